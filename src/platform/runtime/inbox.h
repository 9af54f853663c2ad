// Inbox: how other threads tell a loop which coroutines may go on.
//
// Asio's post wakes the loop's thread while it holds the lock which that thread takes first: on another core the two
// run into each other, and both ask the kernel. Here nothing is locked: whoever finds the inbox empty rings, and the
// loop's thread takes whatever is in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "platform/runtime/event.h"

namespace posthorn::runtime {

/// One for each context. Only that of a loop with a thread of its own is open.
class Inbox final : public boost::asio::execution_context::service {
 public:
  using key_type = Inbox;
  using Waiters = std::vector<std::unique_ptr<detail::Waiter>>;
  static inline boost::asio::execution_context::id id;

  explicit Inbox(boost::asio::execution_context& context) : service(context) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() override { discard(); }

  [[nodiscard]] static Inbox& of(const Executor& executor);
  /// Before the loop's thread starts. Without a descriptor left for it the inbox stays closed.
  void open(const Executor& executor);
  /// Resumes `waiters`, all of this loop, on its thread, in their order; false, and they stay the caller's, where the
  /// inbox is closed. What nobody takes any more is destroyed with the context. Thread-safe.
  [[nodiscard]] bool put(Waiters& waiters);

 private:
  struct Letter {
    Waiters waiters;
    std::unique_ptr<Letter> next;
  };
  void shutdown() override;
  void listen();
  void deliver();
  /// Everything that is in the inbox, the oldest first.
  [[nodiscard]] std::unique_ptr<Letter> take_all();
  void discard();

  std::atomic<Letter*> newest_{nullptr};
  std::uint64_t rings_ = 0;
  std::optional<boost::asio::posix::stream_descriptor> bell_;
};

}  // namespace posthorn::runtime
