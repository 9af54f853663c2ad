// Executors: where a coroutine runs. A session stays on one executor for life, so it needs no mutex.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "foundation/base/task.h"

namespace posthorn::runtime {

using Executor = boost::asio::any_io_executor;

/// The executor the awaiting coroutine runs on.
[[nodiscard]] Task<Executor> current_executor();

/// Lets everything else that is ready on this executor run first. For loops that never wait otherwise.
[[nodiscard]] Task<> yield_to_others();

/// Runs `task` on another executor and resumes the caller on its own. What the task returns goes into variables
/// the caller names before it awaits; they are the caller's alone until this returns.
[[nodiscard]] Task<> run_on(Executor executor, Task<> task);

}  // namespace posthorn::runtime
