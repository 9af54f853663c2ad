// Runs a Task to its end on a loop of its own: for tests over resolvers that never wait.
#pragma once

#include <optional>
#include <utility>

#include "foundation/base/task.h"

namespace posthorn::test_support {

void run_to_end(Task<void> task);

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

template <class T>
[[nodiscard]] T run_task(Task<T> task) {
  std::optional<T> out;
  run_to_end(keep_result(std::move(task), out));
  return std::move(out).value();
}

}  // namespace posthorn::test_support
