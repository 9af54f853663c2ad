#include "platform/storage/key_rows.h"

namespace posthorn::storage {

KeyRows::KeyRows(const Database& database)
    : put_(database.prepare("INSERT OR REPLACE INTO keys (kind, owner, name, state, sealed, facts, created, changed) "
                            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      remove_(database.prepare("DELETE FROM keys WHERE kind = ? AND owner = ? AND name = ?")),
      remove_domain_(database.prepare("DELETE FROM keys WHERE kind = 'dkim' AND owner = ?")),
      state_(database.prepare("SELECT state FROM keys WHERE kind = ? AND owner = ? AND name = ?")) {}

void KeyRows::put(const KeyRow& row) {
  put_.with(row.kind, row.owner, row.name, row.state, Blob{row.sealed}, row.facts, row.created, row.changed).run();
}

bool KeyRows::remove(const RemoveKey& which) {
  return remove_.with(which.kind, which.owner, which.name).run() != 0;
}

void KeyRows::remove_domain(std::string_view domain) {
  remove_domain_.with(domain).run();
}

std::optional<std::string> KeyRows::state(std::string_view kind, std::string_view owner, std::string_view name) {
  state_.with(kind, owner, name);
  std::optional<std::string> found;
  if (state_.step()) found = state_.text(0);
  state_.reset();
  return found;
}

}  // namespace posthorn::storage
