// Event and Promise: one coroutine waits for something that any thread may announce. One-shot: once set, an event
// stays set and waiting for it returns at once. Both are cheap handles; copies share the state.
//
// Rules: at most one coroutine waits at a time. It resumes on its own executor. Cancelling its task group unwinds
// the waiter; setting the event afterwards is harmless.
// CompletionBatch: completes many waiters with one post per loop (the committer answers hundreds at a time).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/runtime/executor.h"

namespace posthorn::runtime {

namespace detail {

/// A suspended coroutine. Its loop counts it as outstanding work.
class Waiter {
 public:
  explicit Waiter(Executor executor);
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  /// Destroys the coroutine where it was not resumed (its loop is gone).
  virtual ~Waiter() = default;
  /// Resumes the coroutine, on its executor's thread; `waiter` is gone by then.
  static void complete(std::unique_ptr<Waiter> waiter, bool cancelled);
  [[nodiscard]] const Executor& executor() const { return executor_; }

 protected:
  virtual void resume(std::unique_ptr<Waiter> self, bool cancelled) = 0;

 private:
  Executor executor_;
  Executor work_;
};

class EventState {
 public:
  EventState() = default;
  EventState(const EventState&) = delete;
  EventState& operator=(const EventState&) = delete;
  ~EventState() = default;

  [[nodiscard]] bool is_set() const { return waiter_.load(std::memory_order_acquire) == set_mark(); }
  /// Marks the event set; the waiter, if there was one, is the caller's to complete on its executor.
  [[nodiscard]] std::unique_ptr<Waiter> set_and_take();
  void set();
  /// Puts `waiter` in place, which is then the state's; false (and `waiter` untouched) when the event is set.
  [[nodiscard]] bool offer(std::unique_ptr<Waiter>& waiter);
  /// Takes `waiter` back for cancellation; nullptr when somebody else has taken it.
  [[nodiscard]] std::unique_ptr<Waiter> withdraw(const Waiter* waiter);

 private:
  [[nodiscard]] static Waiter* set_mark();
  std::atomic<Waiter*> waiter_{nullptr};
};

[[nodiscard]] Task<> wait_for(std::shared_ptr<EventState> state);

template <class T>
struct PromiseState : EventState {
  std::optional<T> value;
};

}  // namespace detail

class Event {
 public:
  Event() : state_(std::make_shared<detail::EventState>()) {}

  void set() const { state_->set(); }
  /// The same on the waiter's own executor, where it goes on before this returns: spares a turn of the loop, which may
  /// cost a system call. The caller holds nothing that the waiter may take from it.
  void set_here() const {
    if (auto waiter = state_->set_and_take()) detail::Waiter::complete(std::move(waiter), false);
  }
  [[nodiscard]] bool is_set() const { return state_->is_set(); }
  [[nodiscard]] Task<> wait() const { return detail::wait_for(state_); }

 private:
  friend class CompletionBatch;
  std::shared_ptr<detail::EventState> state_;
};

/// An Event that carries a value. set() once, wait() once.
template <class T>
class Promise {
 public:
  Promise() : state_(std::make_shared<detail::PromiseState<T>>()) {}

  void set(T value) const {
    state_->value.emplace(std::move(value));
    state_->set();
  }
  [[nodiscard]] bool is_set() const { return state_->is_set(); }
  [[nodiscard]] Task<T> wait() const { return await_value(state_); }

 private:
  friend class CompletionBatch;
  [[nodiscard]] static Task<T> await_value(std::shared_ptr<detail::PromiseState<T>> state) {
    co_await detail::wait_for(state);
    co_return std::move(*state->value);
  }
  std::shared_ptr<detail::PromiseState<T>> state_;
};

/// Collects completions and delivers them with one post per executor. Used from one thread. What was not flushed
/// is flushed by the destructor.
class CompletionBatch {
 public:
  CompletionBatch() = default;
  CompletionBatch(const CompletionBatch&) = delete;
  CompletionBatch& operator=(const CompletionBatch&) = delete;
  ~CompletionBatch() { flush(); }

  void set(const Event& event) { add(event.state_->set_and_take()); }
  template <class T>
  void set(const Promise<T>& promise, std::type_identity_t<T> value) {
    promise.state_->value.emplace(std::move(value));
    add(promise.state_->set_and_take());
  }
  void flush();

 private:
  struct Loop {
    Executor executor;
    std::vector<std::unique_ptr<detail::Waiter>> waiters;
  };
  void add(std::unique_ptr<detail::Waiter> waiter);
  std::vector<Loop> loops_;
};

}  // namespace posthorn::runtime
