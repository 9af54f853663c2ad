#include "platform/runtime/worker_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "platform/runtime/event.h"
#include "platform/runtime/process.h"

namespace posthorn::runtime {

class WorkerPool::State {
 public:
  State(std::size_t threads, std::size_t queue_max) : queue_max_(queue_max), inline_(threads == 0) {
    for (std::size_t i = 0; i < threads; ++i)
      threads_.emplace_back([this] {
        name_this_thread("worker");
        work();
      });
  }
  ~State() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    threads_.clear();  // joins, while the queue still lives
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[nodiscard]] bool runs_inline() const { return inline_; }
  [[nodiscard]] bool push(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.size() >= queue_max_) return false;
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }
  [[nodiscard]] std::size_t queued() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  void work() {
    while (const std::function<void()> job = next()) job();
  }
  /// Empty at the end.
  std::function<void()> next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return {};
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  const std::size_t queue_max_;
  const bool inline_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_max)
    : state_(std::make_unique<State>(threads, queue_max)) {}
WorkerPool::~WorkerPool() = default;
std::size_t WorkerPool::queued() const {
  return state_->queued();
}

Task<bool> WorkerPool::run_job(std::function<void()> job) {
  if (state_->runs_inline()) {
    job();
    co_return true;
  }
  const Event done;
  std::function<void()> whole = [work = std::move(job), done] {
    work();
    done.set();
  };
  if (!state_->push(std::move(whole))) co_return false;
  co_await done.wait();
  co_return true;
}

}  // namespace posthorn::runtime
