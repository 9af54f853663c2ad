#include "platform/runtime/event.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace posthorn::runtime {
namespace detail {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

template <class Handler>
class HandlerWaiter final : public Waiter {
 public:
  HandlerWaiter(Handler handler, const Executor& executor) : Waiter(executor), handler_(std::move(handler)) {}

 private:
  void resume(std::unique_ptr<Waiter> self, bool cancelled) override {
    Handler handler = std::move(handler_);
    self.reset();
    handler(cancelled ? ErrorCode(asio::error::operation_aborted) : ErrorCode());
  }
  Handler handler_;
};

void post_completion(std::unique_ptr<Waiter> waiter, bool cancelled) {
  const Executor executor = waiter->executor();
  asio::post(executor, [w = std::move(waiter), cancelled]() mutable { Waiter::complete(std::move(w), cancelled); });
}

/// What cancelling the waiter's coroutine does. The slot may keep it longer than the wait; it then finds nothing.
struct Withdrawal {
  std::shared_ptr<EventState> state;
  const Waiter* waiter;
  void operator()(asio::cancellation_type /*kind*/) const {
    if (auto taken = state->withdraw(waiter)) post_completion(std::move(taken), true);
  }
};

struct Suspend {
  std::shared_ptr<EventState> state;
  Executor executor;
  template <class Handler>
  void operator()(Handler&& handler) const {
    auto slot = asio::get_associated_cancellation_slot(handler);
    std::unique_ptr<Waiter> waiter =
        std::make_unique<HandlerWaiter<std::decay_t<Handler>>>(std::forward<Handler>(handler), executor);
    if (slot.is_connected()) slot.template emplace<Withdrawal>(state, waiter.get());
    if (!state->offer(waiter)) post_completion(std::move(waiter), false);
  }
};

}  // namespace

Waiter::Waiter(Executor executor)
    : executor_(std::move(executor)), work_(asio::prefer(executor_, asio::execution::outstanding_work.tracked)) {}

void Waiter::complete(std::unique_ptr<Waiter> waiter, bool cancelled) {
  Waiter& w = *waiter;
  w.resume(std::move(waiter), cancelled);
}

Waiter* EventState::set_mark() {
  static char mark;
  return reinterpret_cast<Waiter*>(&mark);
}

std::unique_ptr<Waiter> EventState::set_and_take() {
  Waiter* const before = waiter_.exchange(set_mark(), std::memory_order_acq_rel);
  return std::unique_ptr<Waiter>(before == set_mark() ? nullptr : before);
}

void EventState::set() {
  if (auto waiter = set_and_take()) post_completion(std::move(waiter), false);
}

bool EventState::offer(std::unique_ptr<Waiter>& waiter) {
  Waiter* expected = nullptr;
  if (!waiter_.compare_exchange_strong(expected, waiter.get(), std::memory_order_acq_rel)) return false;
  static_cast<void>(waiter.release());
  return true;
}

std::unique_ptr<Waiter> EventState::withdraw(const Waiter* waiter) {
  Waiter* expected = const_cast<Waiter*>(waiter);
  if (!waiter_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) return nullptr;
  return std::unique_ptr<Waiter>(expected);
}

Task<> wait_for(std::shared_ptr<EventState> state) {
  if (state->is_set()) co_return;
  const Executor executor = co_await asio::this_coro::executor;
  const Suspend suspend{state, executor};
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(ErrorCode)>(suspend, asio::use_awaitable);
}

}  // namespace detail

void CompletionBatch::add(std::unique_ptr<detail::Waiter> waiter) {
  if (!waiter) return;
  for (Loop& loop : loops_) {
    if (loop.executor == waiter->executor()) return loop.waiters.push_back(std::move(waiter));
  }
  Loop loop{waiter->executor(), {}};
  loop.waiters.push_back(std::move(waiter));
  loops_.push_back(std::move(loop));
}

void CompletionBatch::flush() {
  for (Loop& loop : loops_) {
    boost::asio::post(loop.executor, [waiters = std::move(loop.waiters)]() mutable {
      for (auto& waiter : waiters) detail::Waiter::complete(std::move(waiter), false);
    });
  }
  loops_.clear();
}

}  // namespace posthorn::runtime
