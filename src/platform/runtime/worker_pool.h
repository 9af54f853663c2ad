// WorkerPool: threads for computations that take longer than a millisecond (Argon2id, RSA in bulk, MIME walks of big
// messages), so that loops never stand still.
//
// Thread-safe; outlives the coroutines that await run(). The queue is bounded: a full pool answers nullopt at once
// and the caller says "try again later" in its protocol. With 0 threads the function runs inline (simulations).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "platform/runtime/executor.h"

namespace posthorn::runtime {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_max);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Finishes what is queued and joins the threads.
  ~WorkerPool();

  /// Runs `function` on a worker and resumes the caller on its own executor; nullopt when the queue is full. The
  /// function holds its own data: a cancelled caller does not wait for it.
  template <class Function>
  [[nodiscard]] auto run(Function function) -> Task<std::optional<std::invoke_result_t<Function>>> {
    using Value = std::invoke_result_t<Function>;
    auto value = std::make_shared<std::optional<Value>>();
    std::function<void()> job = [value, shared = std::make_shared<Function>(std::move(function))] {
      value->emplace((*shared)());
    };
    const bool accepted = co_await run_job(std::move(job));
    if (!accepted) co_return std::nullopt;
    co_return std::move(*value);
  }

  [[nodiscard]] std::size_t queued() const;

 private:
  [[nodiscard]] Task<bool> run_job(std::function<void()> job);
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::runtime
