#include "platform/storage/checkpointer.h"

#include <sqlite3.h>

#include "platform/runtime/process.h"
#include "platform/storage/fatal.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {

Checkpointer::Checkpointer(const StoreOptions& options, Database database, Committer& committer)
    : options_(options), database_(std::move(database)), committer_(committer) {}

void Checkpointer::start() {
  thread_ = std::thread([this] { work(); });
}

void Checkpointer::note(std::uint64_t sequence, std::uint64_t wal_pages) {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    sequence_ = sequence;
    if (wal_pages < wal_pages_) pages_at_last_ = 0;  // the log has started anew
    wal_pages_ = wal_pages;
    due = wal_pages_ >= pages_at_last_ + checkpoint_pages();
  }
  if (due) changed_.notify_one();
}

void Checkpointer::work() {
  runtime::name_this_thread("checkpointer");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || wal_pages_ >= pages_at_last_ + checkpoint_pages(); });
    if (closed_) return;
    const std::uint64_t sequence = sequence_;
    const std::uint64_t pages = wal_pages_;
    lock.unlock();
    checkpoint(sequence, pages);
    lock.lock();
    pages_at_last_ = std::min(pages, wal_pages_);
  }
}

void Checkpointer::checkpoint(std::uint64_t sequence, std::uint64_t wal_pages) {
  const auto commit_followed = [this](std::uint64_t present) { return present > completed_; };
  if (!commit_followed(sequence)) return;
  if (run(SQLITE_CHECKPOINT_PASSIVE)) completed_ = sequence;
  // The log has grown long: the committer is held while the last pages are moved.
  if (wal_pages < options_.wal_octets_max / disk::page_octets) return;
  committer_.pause([&] {
    std::uint64_t present = 0;
    {
      const std::lock_guard lock(mutex_);
      present = sequence_;
    }
    if (commit_followed(present) && run(SQLITE_CHECKPOINT_PASSIVE)) completed_ = present;
  });
}

bool Checkpointer::run(int mode) {
  int pages = 0;
  int moved = 0;
  const int result = sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, mode, &pages, &moved);
  if (result == SQLITE_OK) return pages == moved;
  if ((result & 0xff) == SQLITE_BUSY) return false;
  const DatabaseError error(sqlite3_extended_errcode(database_.handle()), sqlite3_system_errno(database_.handle()),
                            sqlite3_errmsg(database_.handle()));
  if (error.no_space()) return false;  // the log keeps everything; the next one tries again
  end_process(options_, "checkpointing", error.what());
}

void Checkpointer::close(bool truncate) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (truncate && sequence_ > completed_) {
    static_cast<void>(run(SQLITE_CHECKPOINT_TRUNCATE));
    completed_ = sequence_;
  }
}

}  // namespace posthorn::storage
