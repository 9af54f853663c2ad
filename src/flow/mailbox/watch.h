// Watches: tell a session that something has happened to the mailboxes of its account, and to which (RFC 5465). A
// watched mailbox need not be in memory and costs nothing while nothing happens; what happens collects by mailbox, so
// that a session that is slow to ask hears of each once.
//
// Thread-safe. The store's observer holds Watches; a Watch belongs to one session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "platform/runtime/executor.h"
#include "platform/storage/store.h"

namespace posthorn::mailbox {

/// What happened to one mailbox.
struct MailboxEvents {
  std::uint64_t arrived = 0;
  bool expunged = false;
  bool flags = false;
  [[nodiscard]] bool any() const { return arrived > 0 || expunged || flags; }
};
/// What happened since it was last asked.
struct AccountEvents {
  std::map<storage::MailboxId, MailboxEvents> mailboxes;
  bool names = false;  ///< mailboxes or subscriptions came, went or were renamed
  [[nodiscard]] bool any() const { return names || !mailboxes.empty(); }
};

/// Ends when it is destroyed, on the executor it was made for: then nothing is posted afterwards.
class Watch {
 public:
  virtual ~Watch() = default;
  [[nodiscard]] virtual bool has_news() const = 0;
  [[nodiscard]] virtual AccountEvents take() = 0;
  /// So many of the arrivals were the session's own doing.
  virtual void forget_arrivals(storage::MailboxId mailbox, std::uint64_t count) = 0;
  /// The next news posts `wake`, once; at once where there is some already.
  virtual void arm(std::function<void()> wake) = 0;
};

class Watches : public std::enable_shared_from_this<Watches> {
 public:
  /// Registers as observer of the store.
  [[nodiscard]] static std::shared_ptr<Watches> make(storage::Store& store);

  [[nodiscard]] std::unique_ptr<Watch> watch(storage::AccountId account, runtime::Executor executor);

 private:
  class Watcher;
  class Handle;
  using Watchers = std::vector<std::weak_ptr<Watcher>>;

  void committed(std::span<const storage::CommittedUnit> units);
  void collect(const storage::CommittedUnit& unit);
  void forget(storage::AccountId account);

  std::mutex mutex_;
  std::unordered_map<std::int64_t, Watchers> watchers_;  ///< by account
};

}  // namespace posthorn::mailbox
