#include "platform/storage/thread_rows.h"

namespace posthorn::storage {

ThreadRows::ThreadRows(const Database& database)
    : find_(database.prepare("SELECT thread_id FROM threads WHERE account = ? AND key = ?")),
      add_(database.prepare("INSERT OR IGNORE INTO threads (account, key, thread_id) VALUES (?, ?, ?)")),
      remove_account_(database.prepare("DELETE FROM threads WHERE account = ?")) {}

std::uint64_t ThreadRows::join(AccountId account, std::span<const std::int64_t> keys, std::uint64_t fallback) {
  std::uint64_t thread = fallback;
  std::size_t known_from = keys.size();
  for (std::size_t i = 0; i < keys.size() && known_from == keys.size(); ++i) {
    if (!find_.with(account, keys[i]).step()) continue;
    thread = find_.natural(0);
    known_from = i;
  }
  find_.reset();
  for (const std::int64_t key : keys.first(known_from)) add_.with(account, key, thread).run();
  return thread;
}

void ThreadRows::remove_account(AccountId account) {
  remove_account_.with(account).run();
}

}  // namespace posthorn::storage
