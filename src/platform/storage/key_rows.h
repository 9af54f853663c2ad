// KeyRows: sealed keys and their states. Committer only.
#pragma once

#include <optional>

#include "platform/storage/database.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

class KeyRows {
 public:
  explicit KeyRows(const Database& database);

  void put(const KeyRow& row);
  /// False when there is none.
  [[nodiscard]] bool remove(const RemoveKey& which);
  /// The DKIM keys of a domain that goes.
  void remove_domain(std::string_view domain);

  /// nullopt: there is no such key.
  [[nodiscard]] std::optional<std::string> state(std::string_view kind, std::string_view owner, std::string_view name);

 private:
  Statement put_, remove_, remove_domain_, state_;
};

}  // namespace posthorn::storage
