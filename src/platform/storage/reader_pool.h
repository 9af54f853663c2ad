// ReaderPool: a few connections that read, each on its own thread, and the knowledge of how old the oldest open
// question is (files that it may still need are not removed before it ends).
#pragma once

#include <atomic>

#include "platform/runtime/event.h"
#include "platform/storage/job_threads.h"
#include "platform/storage/local_reader.h"
#include "platform/storage/store.h"

namespace posthorn::storage {

class ReaderPool {
 public:
  ReaderPool(const StoreOptions& options, disk::SegmentFiles& segments);

  [[nodiscard]] Task<> run(std::function<void(Reader&)> job);
  [[nodiscard]] std::size_t pending() const { return pending_.load(); }
  void close() { threads_.close(); }

  /// A group of this number is durable: questions that begin from now on see it.
  void note(std::uint64_t sequence) { sequence_.store(sequence); }
  /// Every open question sees at least the groups up to this one.
  [[nodiscard]] std::uint64_t seen_by_all() const;

 private:
  struct Slot {
    std::unique_ptr<LocalReader> reader;
    std::atomic<std::uint64_t> since{idle};
  };
  static constexpr std::uint64_t idle = ~std::uint64_t{0};

  [[nodiscard]] std::exception_ptr answer(Slot& slot, const std::function<void(Reader&)>& job);

  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<std::size_t> pending_{0};
  std::deque<Slot> slots_;
  JobThreads threads_;  // last: its threads end before the slots go
};

}  // namespace posthorn::storage
