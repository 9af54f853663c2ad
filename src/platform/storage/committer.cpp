#include "platform/storage/committer.h"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>

#include <sqlite3.h>

#include "platform/disk/crc32c.h"
#include "platform/disk/staged_file.h"
#include "platform/runtime/process.h"
#include "platform/storage/fatal.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

// One group: what shares one sync. Bounded so that the first of a group does not wait for seconds.
constexpr std::size_t group_units_max = 1000;
constexpr std::uint64_t group_octets_max = 32 * MiB;
// Rows, indexes and the write-ahead log's frames take about this much beside a unit's octets.
constexpr std::uint64_t unit_overhead_octets = 64 * KiB;
// https://www.sqlite.org/fileformat2.html 4.1: a frame is a page behind a header of 24 octets.
constexpr std::uint64_t wal_frame_octets = disk::page_octets + 24;
// The log is written in runs of a few pages: folios not much larger than those (prepared_space.h).
constexpr std::uint64_t log_zeros_octets = 256 * KiB;
// Damage is told in the log once in so long; every message that meets it would tell it else.
constexpr Duration damage_told_again = std::chrono::minutes(1);

std::uint64_t octets_of(const Unit& unit) {
  std::uint64_t octets = 0;
  for (const Mutation& mutation : unit.mutations) {
    const auto* put = std::get_if<PutContent>(&mutation);
    if (put != nullptr && put->octets) octets += put->octets->size();
  }
  return octets;
}

/// Drain of the queue and deletions go on when the disk is full; whatever adds messages does not. Mailboxes may be
/// made: a bounce may need its sender's first.
bool may_use_reserve(const Unit& unit) {
  bool adds = false;
  for (const Mutation& mutation : unit.mutations) {
    if (std::holds_alternative<RemoveRecipient>(mutation)) return true;
    adds |= std::holds_alternative<PutContent>(mutation) || std::holds_alternative<AddEmail>(mutation) ||
            std::holds_alternative<CopyEmails>(mutation) || std::holds_alternative<PutFacts>(mutation) ||
            std::holds_alternative<PutQueued>(mutation) || std::holds_alternative<PutStory>(mutation);
  }
  return !adds;
}

int note_wal_pages(void* to, sqlite3*, const char*, int pages) {
  *static_cast<std::uint64_t*>(to) = static_cast<std::uint64_t>(pages);
  return SQLITE_OK;
}

}  // namespace

Committer::Committer(const StoreOptions& options, const runtime::Clock& clock, disk::SegmentFiles& segments,
                     Database database, std::function<void(const GroupDone&)> done)
    : options_(options),
      clock_(clock),
      segments_(segments),
      database_(std::move(database)),
      applier_(database_),
      done_(std::move(done)),
      log_space_(options.prepare_octets, log_zeros_octets) {
  // Also the proof that automatic checkpoints are off here: they live in this hook.
  sqlite3_wal_hook(database_.handle(), note_wal_pages, &wal_pages_);
}

void Committer::start() {
  thread_ = std::thread([this] { work(); });
}

void Committer::close() {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wakes = must_wake();
  }
  if (wakes) bell_.ring();
  if (thread_.joinable()) thread_.join();
}

Task<CommitOutcome> Committer::commit(Unit unit) {
  const runtime::Promise<CommitOutcome> promise;
  bool wakes = false;
  while (true) {
    runtime::Event room;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) co_return fail(CommitFailure{CommitError::shutting_down, 0});
      if (waiting_.size() < options_.waiting_units_max) {
        waiting_.push_back({std::move(unit), promise});
        ++pending_;
        wakes = must_wake();
        break;
      }
      waiting_for_room_.push_back(room);
      ++pending_;
    }
    co_await room.wait();
  }
  if (wakes) bell_.ring();
  co_return co_await promise.wait();
}

void Committer::commit_later(Unit unit) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || waiting_.size() >= options_.waiting_units_max) {
      ++dropped_;
      return;
    }
    waiting_.push_back({std::move(unit), std::nullopt});
    ++pending_;
    wakes = must_wake();
  }
  if (wakes) bell_.ring();
}

void Committer::observe(CommitObserver observer) {
  const std::lock_guard lock(observers_mutex_);
  observers_.push_back(std::move(observer));
}

bool Committer::run_between_groups(const std::function<void(const Database&)>& job) {
  bool done = false;
  pause([&] { done = in_transaction(job); });
  return done;
}

void Committer::pause(const std::function<void()>& job) {
  std::mutex finished_mutex;
  std::condition_variable finished_changed;
  bool finished = false;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    jobs_.push_back({job, [&](bool) {
                       const std::lock_guard finished_lock(finished_mutex);
                       finished = true;
                       finished_changed.notify_all();
                     }});
    wakes = must_wake();
  }
  if (wakes) bell_.ring();
  std::unique_lock lock(finished_mutex);
  finished_changed.wait(lock, [&] { return finished; });
}

// ---------------------------------------------------------------- the thread

void Committer::work() {
  runtime::name_this_thread("committer");
  Group group;
  std::vector<Job> jobs;
  while (take(group, jobs)) {
    for (Job& job : jobs) {
      job.run();
      job.finished(true);
    }
    jobs.clear();
    if (!group.units.empty()) {
      run_group(group);
      prepare_log();
    }
    group = {};
  }
}

bool Committer::has_work() const {
  return closed_ || !jobs_.empty() || waiting_.size() >= wake_at_;
}

/// Under the mutex, by who brought work: the committer is woken once, however many bring some.
bool Committer::must_wake() {
  return has_work() && std::exchange(asleep_, false);
}

/// Lets go of the mutex until there is work, or for `longest`.
void Committer::rest(std::unique_lock<std::mutex>& lock, std::optional<Duration> longest) {
  while (!has_work()) {
    asleep_ = true;
    lock.unlock();
    bool rung = true;
    if (longest) {
      rung = bell_.wait_for(*longest);
    } else {
      bell_.wait();
    }
    lock.lock();
    if (!rung) break;
  }
  asleep_ = false;
}

/// Until there is something to do; then a moment longer where company is expected.
void Committer::wait_for_units(std::unique_lock<std::mutex>& lock) {
  rest(lock, std::nullopt);
  const Duration wait = company_.wait_for(waiting_.size());
  if (closed_ || !jobs_.empty() || wait == Duration::zero()) return;
  wake_at_ = company_.expected();
  rest(lock, wait);
  wake_at_ = 1;
}

bool Committer::take(Group& group, std::vector<Job>& jobs) {
  std::vector<runtime::Event> room;
  {
    std::unique_lock lock(mutex_);
    wait_for_units(lock);
    group.begun = clock_.now();
    while (!jobs_.empty()) {
      jobs.push_back(std::move(jobs_.front()));
      jobs_.pop_front();
    }
    std::uint64_t octets = 0;
    while (!waiting_.empty() && group.units.size() < group_units_max && octets < group_octets_max) {
      octets += octets_of(waiting_.front().unit);
      group.units.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    if (group.units.empty() && jobs.empty()) return false;
    room.swap(waiting_for_room_);
  }
  {
    runtime::CompletionBatch batch;
    for (const runtime::Event& event : room) batch.set(event);
  }
  pending_ -= room.size();
  return true;
}

void Committer::run_group(Group& group) {
  group.outcomes.assign(group.units.size(), CommitOutcome(Committed{}));
  refuse_for_space(group);
  write_segments(group);
  apply_group(group);
  conclude(group);
  answer(group);
}

void Committer::refuse_for_space(Group& group) {
  std::uint64_t wanted = 0;
  for (const Waiting& waiting : group.units) wanted += octets_of(waiting.unit) * 2 + unit_overhead_octets;
  const auto free = segments_.files().free_octets(options_.dir);
  const bool full = free && *free < options_.reserve_octets + wanted;
  if (full != full_told_) {
    full_told_ = full;
    if (full) segments_.give_back();
    if (full) {
      options_.log.error("disk full", {{"folder", options_.dir.string()}, {"free_octets", *free}});
    } else {
      options_.log.info("disk has room again", {{"folder", options_.dir.string()}});
    }
  }
  if (!full) return;
  for (std::size_t i = 0; i < group.units.size(); ++i) {
    if (!may_use_reserve(group.units[i].unit)) group.outcomes[i] = fail(CommitFailure{CommitError::no_space, 0});
  }
}

void Committer::write_segments(Group& group) {
  std::vector<std::size_t> placed;
  for (std::size_t i = 0; i < group.units.size(); ++i) {
    if (!group.outcomes[i]) continue;
    const std::size_t before = group.placements.size();
    for (const Mutation& mutation : group.units[i].unit.mutations) {
      const auto* put = std::get_if<PutContent>(&mutation);
      if (put == nullptr || put->staged || put->octets->size() <= options_.inline_octets_max) continue;
      const disk::RecordHeader header{put->id, put->octets->size(), disk::crc32c(*put->octets), put->envelope};
      group.placements.emplace(put, Placement{segments_.add(header, *put->octets), header.crc});
    }
    if (group.placements.size() != before) placed.push_back(i);
  }
  if (!segments_.has_group()) return;
  const auto written = segments_.write_and_sync();
  if (written) return;
  if (written.error().code != ENOSPC && written.error().code != EDQUOT) {
    die("writing a segment", std::strerror(written.error().code));
  }
  for (const std::size_t i : placed) group.outcomes[i] = fail(CommitFailure{CommitError::no_space, 0});
}

void Committer::apply_group(Group& group) {
  const TimePoint now = clock_.now();
  try {
    applier_.begin();
    const bool is_alone = group.units.size() == 1;
    for (std::size_t i = 0; i < group.units.size(); ++i) {
      const Unit& unit = group.units[i].unit;
      if (!group.outcomes[i]) continue;
      group.outcomes[i] =
          is_alone ? applier_.apply_alone(unit, group.placements, now) : applier_.apply(unit, group.placements, now);
    }
    applier_.commit(segments_.open_segment(), segments_.open_octets());
    group.effects = applier_.take_effects();
  } catch (const DatabaseError& error) {
    if (!error.no_space() && !error.damaged()) die(error);
    applier_.rollback();
    if (error.damaged()) return apply_apart(group, now);
    group.outcomes.assign(group.units.size(), CommitOutcome(fail(CommitFailure{CommitError::no_space, 0})));
  }
}

/// Some unit needs a page that is damaged: each in a transaction of its own, so that one octet on the disk does not
/// keep everybody's mail out.
void Committer::apply_apart(Group& group, TimePoint now) {
  applier_.put_off_sorting();
  for (std::size_t i = 0; i < group.units.size(); ++i) {
    // Refused before the transaction: in it only preconditions fail.
    if (!group.outcomes[i] && group.outcomes[i].error().error == CommitError::no_space) continue;
    try {
      applier_.begin();
      group.outcomes[i] = applier_.apply_alone(group.units[i].unit, group.placements, now);
      applier_.commit(segments_.open_segment(), segments_.open_octets());
      group.effects.add(applier_.take_effects());
    } catch (const DatabaseError& error) {
      if (!error.no_space() && !error.damaged()) die(error);
      applier_.rollback();
      if (error.damaged()) tell_damage(error);
      const CommitError why = error.damaged() ? CommitError::damaged : CommitError::no_space;
      group.outcomes[i] = fail(CommitFailure{why, 0});
    }
  }
}

void Committer::tell_damage(const DatabaseError& error) {
  const TimePoint now = clock_.now();
  if (damage_told_ && now - *damage_told_ < damage_told_again) return;
  damage_told_ = now;
  options_.log.error("the store is damaged: what needs this page is refused",
                     {{"why", std::string(error.what())},
                      {"folder", options_.dir.string()},
                      {"remedy", "posthorn store verify names the damage; stop the server, then --repair"}});
}

void Committer::conclude(Group& group) {
  for (const auto& staged : group.effects.taken_files) staged->take_over();
  {
    const std::lock_guard lock(observers_mutex_);
    std::vector<CommittedUnit> committed;
    for (std::size_t i = 0; !observers_.empty() && i < group.units.size(); ++i) {
      if (group.outcomes[i]) committed.push_back({&group.units[i].unit, &*group.outcomes[i]});
    }
    for (const CommitObserver& observer : observers_) observer(committed);
  }
  done_(GroupDone{++sequence_, wal_pages_, group.effects.freed_files});
}

void Committer::answer(Group& group) {
  std::size_t dropped = 0;
  {
    const std::lock_guard lock(mutex_);
    company_.answered(group.units.size(), waiting_.size(), clock_.now() - group.begun);
  }
  {
    runtime::CompletionBatch batch;
    for (std::size_t i = 0; i < group.units.size(); ++i) {
      if (group.units[i].promise) {
        batch.set(*group.units[i].promise, std::move(group.outcomes[i]));
      } else if (!group.outcomes[i]) {
        ++dropped;
      }
    }
  }
  pending_ -= group.units.size();
  if (dropped > 0) drop_later(dropped);
}

/// Keeps half a step ahead of the log's end. On this thread, since nobody else writes the log.
void Committer::prepare_log() {
  const std::uint64_t used = wal_pages_ * wal_frame_octets;
  if (full_told_ || log_space_.reaches(used + options_.prepare_octets / 2)) return;
  if (!log_file_) {
    auto opened = segments_.files().open(segments_.layout().write_ahead_log(), disk::OpenMode::read_write);
    if (!opened) return;
    log_file_ = std::move(*opened);
  }
  const auto size = log_file_->size();
  if (!size) return;
  log_space_.restart(*size);  // the log's own writes may have made it longer
  if (log_space_.reaches(used + options_.prepare_octets / 2)) return;
  auto extended = log_space_.extend(*log_file_, *size);
  if (extended) extended = log_file_->sync();
  if (extended) return;
  if (!disk::is_full(extended.error())) die("extending the write-ahead log", std::strerror(extended.error().code));
  log_space_.restart(*size);  // nothing but zeros was waiting to be synced
}

void Committer::drop_later(std::size_t count) {
  {
    const std::lock_guard lock(mutex_);
    dropped_ += count;
  }
  options_.log.warning("units that nobody waits for were dropped", {{"count", count}});
}

bool Committer::in_transaction(const std::function<void(const Database&)>& job) {
  try {
    database_.execute("BEGIN IMMEDIATE");
    job(database_);
    database_.execute("COMMIT");
  } catch (const DatabaseError& error) {
    if (!error.no_space() && !error.damaged()) die(error);
    applier_.rollback();
    if (error.damaged()) tell_damage(error);
    return false;
  }
  done_(GroupDone{++sequence_, wal_pages_, {}});
  return true;
}

void Committer::die(std::string_view doing, std::string_view why) const {
  end_process(options_, doing, why);
}

void Committer::die(const DatabaseError& error) const {
  die("committing", error.what());
}

}  // namespace posthorn::storage
