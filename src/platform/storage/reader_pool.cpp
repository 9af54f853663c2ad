#include "platform/storage/reader_pool.h"

#include "platform/storage/schema.h"

namespace posthorn::storage {

ReaderPool::ReaderPool(const StoreOptions& options, disk::SegmentFiles& segments) : threads_("reader", 0) {
  const disk::Layout layout{options.dir};
  disk::FileLayer& files = segments.files();
  for (std::size_t i = 0; i < std::max<std::size_t>(options.reader_threads, 1); ++i) {
    Database database(layout.database(), DatabaseMode::read_write, files.vfs_name());
    configure_connection(database, false);
    slots_.emplace_back().reader = std::make_unique<LocalReader>(std::move(database), segments);
  }
  threads_.add(slots_.size());
}

Task<> ReaderPool::run(std::function<void(Reader&)> job) {
  const runtime::Promise<std::exception_ptr> done;
  ++pending_;
  const bool accepted = threads_.submit([this, done, job = std::move(job)](std::size_t thread) {
    const std::exception_ptr failure = answer(slots_[thread], job);
    done.set(failure);
    --pending_;
  });
  if (!accepted) {
    --pending_;
    throw std::runtime_error("the store is closed");
  }
  const std::exception_ptr failure = co_await done.wait();
  if (failure) std::rethrow_exception(failure);
}

std::exception_ptr ReaderPool::answer(Slot& slot, const std::function<void(Reader&)>& job) {
  // Published before the question begins: what it sees is at least this new.
  slot.since.store(sequence_.load());
  std::exception_ptr failure;
  try {
    slot.reader->begin();
    job(*slot.reader);
  } catch (...) {
    // A damaged page, say: the coroutine that asked ends, the store goes on.
    failure = std::current_exception();
  }
  try {
    slot.reader->end();
  } catch (const DatabaseError&) {
    if (!failure) failure = std::current_exception();
  }
  slot.since.store(idle);
  return failure;
}

std::uint64_t ReaderPool::seen_by_all() const {
  std::uint64_t oldest = idle;
  for (const Slot& slot : slots_) oldest = std::min(oldest, slot.since.load());
  return oldest;
}

}  // namespace posthorn::storage
