// Counters: numbers that never go back (ids of accounts, mailboxes and logins, UIDVALIDITY). Committer only.
#pragma once

#include "platform/storage/database.h"

namespace posthorn::storage {

class Counters {
 public:
  explicit Counters(const Database& database)
      : advance_(database.prepare("INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE "
                                  "SET value = max(value + 1, ?2) RETURNING value")) {}

  /// One more than the last, and at least `least`.
  [[nodiscard]] std::int64_t next(std::string_view name, std::int64_t least = 1) {
    static_cast<void>(advance_.with(name, least).step());
    const std::int64_t value = advance_.integer(0);
    advance_.reset();
    return value;
  }

 private:
  Statement advance_;
};

}  // namespace posthorn::storage
