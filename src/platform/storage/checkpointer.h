// Checkpointer: moves what is in the write-ahead log into the database, on a connection that does nothing else.
//
// A checkpoint starts only when a commit has followed the last completed one: SQLite before 3.51.3 may otherwise lose
// the log's reset. Checkpoints run beside the committer; when the log has grown long all the same (a writer that never
// pauses keeps a checkpoint from catching up), the committer is held for the last few pages, so that the next commit
// starts the log anew.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "platform/storage/committer.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {

class Checkpointer {
 public:
  Checkpointer(const StoreOptions& options, Database database, Committer& committer);
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer() { close(); }

  void start();
  /// Ends the thread. With `truncate` the log is emptied: only when the committer has ended.
  void close(bool truncate = false);
  /// A group is durable.
  void note(std::uint64_t sequence, std::uint64_t wal_pages);

 private:
  void work();
  void checkpoint(std::uint64_t sequence, std::uint64_t wal_pages);
  /// True when the whole log is in the database.
  [[nodiscard]] bool run(int mode);

  [[nodiscard]] std::uint64_t checkpoint_pages() const { return options_.checkpoint_octets / disk::page_octets; }

  const StoreOptions& options_;
  Database database_;
  Committer& committer_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t sequence_ = 0;
  std::uint64_t wal_pages_ = 0;
  std::uint64_t completed_ = 0;  // the last group that a completed checkpoint covers
  std::uint64_t pages_at_last_ = 0;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace posthorn::storage
