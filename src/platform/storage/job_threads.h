// JobThreads: a few threads that take jobs in order; the readers and the writers of incoming files. Each thread is
// told its number. close() finishes what was handed in and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace posthorn::storage {

class JobThreads {
 public:
  using Job = std::function<void(std::size_t thread)>;

  /// `name`: runtime::name_this_thread(); outlives the threads.
  explicit JobThreads(const char* name, std::size_t count) : name_(name) { add(count); }
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;
  ~JobThreads() { close(); }

  /// More threads, numbered on; before the first job.
  void add(std::size_t count);
  /// False when closed.
  [[nodiscard]] bool submit(Job job);
  void close();

 private:
  void work(std::size_t thread);

  const char* name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace posthorn::storage
