// ThreadRows: which thread the message ids of an account belong to (RFC 8474 5.2). Committer only.
#pragma once

#include <span>

#include "platform/storage/database.h"

namespace posthorn::storage {

class ThreadRows {
 public:
  explicit ThreadRows(const Database& database);

  /// The thread of the first key that is known, else `fallback`; the keys before it are known from now on.
  [[nodiscard]] std::uint64_t join(AccountId account, std::span<const std::int64_t> keys, std::uint64_t fallback);
  void remove_account(AccountId account);

 private:
  Statement find_, add_, remove_account_;
};

}  // namespace posthorn::storage
