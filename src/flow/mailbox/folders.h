// Folders: which mailboxes an account has, kept in memory and true after every commit. Delivery asks it for INBOX,
// access for LIST.
//
// Thread-safe; outlives every coroutine that awaits it. The rows are shared and immutable.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/storage/store.h"

namespace posthorn::mailbox {

/// The mailboxes of one account.
using FolderList = std::vector<storage::MailboxRow>;

/// Made with every account, in this order: INBOX and the special uses of RFC 6154 that clients look for.
struct DefaultFolder {
  std::string_view name;
  std::string_view special_use;
};
[[nodiscard]] std::span<const DefaultFolder> default_folders();

/// RFC 9051 5.1: INBOX is the same in any case, every other name is compared octet by octet.
[[nodiscard]] bool same_mailbox_name(std::string_view a, std::string_view b);
/// At any depth.
[[nodiscard]] bool stands_below(std::string_view name, std::string_view level);

class Folders {
 public:
  /// How many accounts are remembered; beyond it the least recently used is forgotten.
  static constexpr std::size_t accounts_max = 10'000;

  /// Registers itself as observer of the store; made before the store is used by sessions.
  explicit Folders(storage::Store& store);
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  /// The account's mailboxes; where it has no INBOX yet, the default folders are made first.
  [[nodiscard]] Task<Result<std::shared_ptr<const FolderList>, storage::CommitFailure>> of(storage::AccountId account);

  /// The one of that name; nullptr where there is none.
  [[nodiscard]] static const storage::MailboxRow* find(const FolderList& list, std::string_view name);
  [[nodiscard]] static const storage::MailboxRow* find(const FolderList& list, storage::MailboxId id);
  /// The first with that special use (RFC 6154, without backslash: "Junk"); nullptr where there is none.
  [[nodiscard]] static const storage::MailboxRow* find_special_use(const FolderList& list, std::string_view use);

 private:
  struct Entry {
    std::shared_ptr<const FolderList> list;
    std::list<std::int64_t>::iterator used;
  };
  void forget_changed(std::span<const storage::CommittedUnit> units);
  void forget(storage::AccountId account);
  [[nodiscard]] std::shared_ptr<const FolderList> remembered(storage::AccountId account);
  [[nodiscard]] Task<FolderList> load(storage::AccountId account);
  void remember(storage::AccountId account, std::shared_ptr<const FolderList> list, std::uint64_t generation);

  storage::Store& store_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;  // grows with every change, so that a list read before it is not remembered
  std::list<std::int64_t> by_use_;
  std::unordered_map<std::int64_t, Entry> entries_;
};

}  // namespace posthorn::mailbox
