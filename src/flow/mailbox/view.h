// View: one mailbox in memory, kept true by the store's commits, shared by its sessions on all loops.
//
// current() is what stands in it now; a session keeps the Version it has told its client about (snapshot.h) and
// compares. A change wakes the subscribers within the commit that made it.
//
// Thread-safe. Made and held by Mailboxes (mailboxes.h); a session holds it by shared_ptr while it is selected.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "flow/mailbox/version.h"
#include "platform/runtime/executor.h"

namespace posthorn::mailbox {

class View : public std::enable_shared_from_this<View> {
 public:
  View(storage::AccountId account, std::shared_ptr<const Version> first, Uid first_recent);
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  [[nodiscard]] storage::AccountId account() const { return account_; }
  [[nodiscard]] MailboxId mailbox() const { return mailbox_; }
  [[nodiscard]] std::shared_ptr<const Version> current() const { return current_.load(); }

  /// Lasts until destroyed. Destroy it on the executor it was made for: then its callback does not run afterwards.
  class Subscription {
   public:
    virtual ~Subscription() = default;
    /// What changes after `known` calls again; at once where it has.
    virtual void rearm(const std::shared_ptr<const Version>& known) = 0;
  };
  /// Posts `wake` on `executor` when the mailbox changes; then not again before rearm(). A change since `known` counts
  /// at once.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(runtime::Executor executor,
                                                        const std::shared_ptr<const Version>& known,
                                                        std::function<void()> wake);

  /// Uids from here on are \Recent to the next session that selects the mailbox (RFC 3501 2.3.2).
  [[nodiscard]] Uid first_recent() const { return first_recent_.load(); }

 private:
  friend class Views;
  class Subscriber;
  class Handle;
  /// Committer only: makes `next` the present and wakes.
  void publish(std::shared_ptr<const Version> next);
  /// The uid from which on emails are \Recent to the caller; from now on only those that come are.
  [[nodiscard]] Uid take_recent();

  const storage::AccountId account_;
  const MailboxId mailbox_;
  std::atomic<std::shared_ptr<const Version>> current_;
  std::atomic<Uid> first_recent_;
  std::mutex subscribers_mutex_;
  std::vector<std::weak_ptr<Subscriber>> subscribers_;
};

}  // namespace posthorn::mailbox
