// with_deadline and run_until: run a task and cancel it when its time is up. For waits of coroutines on other
// coroutines; network streams have cheaper deadlines of their own (net/stream.h).
#pragma once

#include <optional>
#include <utility>

#include "platform/runtime/clock.h"

namespace posthorn::runtime {

/// Returns when the task has ended, cancelled at the deadline where it had not by then.
[[nodiscard]] Task<> run_until(Clock& clock, TimePoint deadline, Task<> task);

namespace detail {
template <class T>
Task<> run_into(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}
}  // namespace detail

/// The task's value, or nullopt when the deadline came first; the task has ended (unwound) in either case.
template <class T>
[[nodiscard]] Task<std::optional<T>> with_deadline(Clock& clock, TimePoint deadline, Task<T> task) {
  std::optional<T> result;
  Task<> run = detail::run_into(std::move(task), result);
  co_await run_until(clock, deadline, std::move(run));
  co_return result;
}

}  // namespace posthorn::runtime
