// TaskGroup and spawn(): the only place where a coroutine starts a life of its own (STYLE.md, Coroutines 6).
// The group knows its children: it counts them, logs the one that ends by an exception, cancels them, and is awaited
// at shutdown. A child may spawn into its own group.
//
// Thread-safe. The group outlives its children: join() it, or let the loops run out, before it is destroyed.
// Cancelling unwinds a child at its next (or present) co_await by an exception that only spawn() sees; destructors
// run, nothing after the co_await does. What must be said before an end (an SMTP 421) belongs to an orderly
// shutdown that the room offers before cancel() is called.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "platform/runtime/executor.h"
#include "platform/runtime/log.h"

namespace posthorn::runtime {

class TaskGroup {
 public:
  /// `name` is a literal; it stands in the log.
  TaskGroup(const char* name, Logger log);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  [[nodiscard]] std::size_t size() const;
  /// Children that ended by an exception since the start.
  [[nodiscard]] std::size_t failures() const;
  /// Asks every child to end, and every later one as soon as it starts.
  void cancel();
  /// Waits until there is no child. One coroutine at a time.
  [[nodiscard]] Task<> join();

  class State;

 private:
  friend void spawn(TaskGroup& group, const Executor& executor, const char* name, Task<> task);
  std::shared_ptr<State> state_;
};

/// Starts `task` on `executor`. `name` is a literal.
void spawn(TaskGroup& group, const Executor& executor, const char* name, Task<> task);

}  // namespace posthorn::runtime
