// MaildropLocks: one POP3 session a maildrop (RFC 1939 4); IMAP and delivery are not hindered. Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <unordered_set>

#include "platform/storage/rows.h"

namespace posthorn::access {

class MaildropLocks {
 public:
  /// Held as long as it lives; outlived by the locks.
  class Lock {
   public:
    Lock(MaildropLocks& locks, storage::MailboxId mailbox) : locks_(&locks), mailbox_(mailbox) {}
    Lock(Lock&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), mailbox_(other.mailbox_) {}
    Lock& operator=(Lock&& other) noexcept {
      std::swap(locks_, other.locks_);
      std::swap(mailbox_, other.mailbox_);
      return *this;
    }
    ~Lock() {
      if (locks_ != nullptr) locks_->release(mailbox_);
    }

   private:
    MaildropLocks* locks_;
    storage::MailboxId mailbox_;
  };

  /// nullopt: somebody else has it.
  [[nodiscard]] std::optional<Lock> take(storage::MailboxId mailbox) {
    const std::lock_guard lock(mutex_);
    if (!held_.insert(mailbox.value).second) return std::nullopt;
    return Lock(*this, mailbox);
  }

 private:
  void release(storage::MailboxId mailbox) {
    const std::lock_guard lock(mutex_);
    held_.erase(mailbox.value);
  }

  std::mutex mutex_;
  std::unordered_set<std::int64_t> held_;
};

}  // namespace posthorn::access
