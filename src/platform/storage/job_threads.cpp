#include "platform/storage/job_threads.h"

#include "platform/runtime/process.h"

namespace posthorn::storage {

void JobThreads::add(std::size_t count) {
  const std::size_t first = threads_.size();
  for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this, number = first + i] { work(number); });
}

bool JobThreads::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void JobThreads::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void JobThreads::work(std::size_t thread) {
  runtime::name_this_thread(name_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(thread);
    job = nullptr;
    lock.lock();
  }
}

}  // namespace posthorn::storage
