// Committer: the one thread that writes. It takes what is waiting as one group: octets for segments are written and
// synced, then every unit runs in one transaction, one sync, then observers are told and callers answered.
//
// A failed precondition fails its unit alone. A full disk answers no_space, a damaged page fails the units that need
// it. Any other error ends the process, so that nobody is answered on the strength of a write that may not have
// happened.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "platform/disk/prepared_space.h"
#include "platform/disk/segments.h"
#include "platform/runtime/doorbell.h"
#include "platform/runtime/event.h"
#include "platform/storage/applier.h"
#include "platform/storage/company.h"
#include "platform/storage/store.h"

namespace posthorn::storage {

using CommitOutcome = Result<Committed, CommitFailure>;

/// What others do after a group is durable. Called on the committer's thread; must be quick.
struct GroupDone {
  std::uint64_t sequence = 0;       ///< number of the group
  std::uint64_t wal_pages = 0;      ///< in the write-ahead log now
  std::vector<MailId> freed_files;  ///< message files that no row names any more
};

class Committer {
 public:
  Committer(const StoreOptions& options, const runtime::Clock& clock, disk::SegmentFiles& segments, Database database,
            std::function<void(const GroupDone&)> done);
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer() { close(); }

  void start();
  /// Finishes what was handed in, then ends. Later units are answered shutting_down.
  void close();

  [[nodiscard]] Task<CommitOutcome> commit(Unit unit);
  void commit_later(Unit unit);
  void observe(CommitObserver observer);
  [[nodiscard]] std::size_t pending() const { return pending_.load(); }

  /// Runs `job` between two groups in a transaction of its own and waits for it; false when it was not run (closed) or
  /// the disk is full. Never from the committer's thread.
  [[nodiscard]] bool run_between_groups(const std::function<void(const Database&)>& job);
  /// The same without a transaction: nothing is written meanwhile.
  void pause(const std::function<void()>& job);
  /// The last group; inside pause() only.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }

 private:
  struct Waiting {
    Unit unit;
    std::optional<runtime::Promise<CommitOutcome>> promise;
  };
  struct Job {
    std::function<void()> run;
    std::function<void(bool done)> finished;
  };
  struct Group {
    std::vector<Waiting> units;
    std::vector<CommitOutcome> outcomes;
    Placements placements;
    ContentEffects effects;  ///< of what was committed
    TimePoint begun;
  };

  void work();
  [[nodiscard]] bool take(Group& group, std::vector<Job>& jobs);
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool must_wake();
  void rest(std::unique_lock<std::mutex>& lock, std::optional<Duration> longest);
  void wait_for_units(std::unique_lock<std::mutex>& lock);
  void run_group(Group& group);
  void refuse_for_space(Group& group);
  void write_segments(Group& group);
  void apply_group(Group& group);
  void apply_apart(Group& group, TimePoint now);
  void tell_damage(const DatabaseError& error);
  void conclude(Group& group);
  void answer(Group& group);
  void prepare_log();
  [[nodiscard]] bool in_transaction(const std::function<void(const Database&)>& job);
  void drop_later(std::size_t count);
  [[noreturn]] void die(std::string_view doing, std::string_view why) const;
  [[noreturn]] void die(const DatabaseError& error) const;

  const StoreOptions& options_;
  const runtime::Clock& clock_;
  disk::SegmentFiles& segments_;
  Database database_;
  Applier applier_;
  std::function<void(const GroupDone&)> done_;
  std::uint64_t sequence_ = 0;
  std::uint64_t wal_pages_ = 0;
  std::unique_ptr<disk::File> log_file_;
  disk::PreparedSpace log_space_;
  bool full_told_ = false;
  std::optional<TimePoint> damage_told_;

  std::mutex mutex_;
  runtime::Doorbell bell_;
  bool asleep_ = false;  ///< whoever brings work must ring
  std::deque<Waiting> waiting_;
  std::deque<Job> jobs_;
  std::vector<runtime::Event> waiting_for_room_;
  std::size_t wake_at_ = 1;  ///< the committer sleeps until so many units wait
  Company company_;
  bool closed_ = false;
  std::atomic<std::size_t> pending_{0};
  std::uint64_t dropped_ = 0;

  std::mutex observers_mutex_;
  std::vector<CommitObserver> observers_;
  std::thread thread_;
};

}  // namespace posthorn::storage
