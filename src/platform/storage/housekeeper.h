// Housekeeper: what nobody waits for. Removes files that no row names once nobody can still be reading them, and
// rewrites segments that are less than half live. Both stand still while somebody holds the files (backup, verify).
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "platform/storage/committer.h"
#include "platform/storage/reader_pool.h"

namespace posthorn::storage {

class Housekeeper {
 public:
  Housekeeper(const StoreOptions& options, disk::SegmentFiles& segments, Committer& committer, ReaderPool& readers,
              Database database);
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;
  ~Housekeeper() { close(); }

  void start();
  void close();

  /// Files that no row names since this group.
  void doom(const std::vector<std::filesystem::path>& paths, std::uint64_t sequence);

  /// While one lives, no file is removed and no segment rewritten.
  class Hold {
   public:
    explicit Hold(Housekeeper& keeper);
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

   private:
    Housekeeper& keeper_;
  };

  /// Rewrites every segment that is less than half live, now. Octets given back.
  [[nodiscard]] Result<std::uint64_t, Problem> reclaim();

 private:
  struct Doomed {
    std::filesystem::path path;
    std::uint64_t sequence = 0;
  };
  struct Candidate {
    std::uint64_t id = 0;
    std::uint64_t octets = 0;
    std::uint64_t live = 0;
  };

  void work();
  void remove_doomed();
  [[nodiscard]] std::vector<Candidate> candidates();
  [[nodiscard]] Result<std::uint64_t, Problem> rewrite(const Candidate& segment);
  [[nodiscard]] bool held() const { return holds_ > 0; }

  const StoreOptions& options_;
  disk::SegmentFiles& segments_;
  Committer& committer_;
  ReaderPool& readers_;
  Database database_;

  std::mutex rewriting_;  // one reclaim at a time; uses database_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Doomed> doomed_;
  int holds_ = 0;
  bool busy_ = false;  // a rewrite or removal is going on
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace posthorn::storage
