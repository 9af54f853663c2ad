#include "platform/storage/housekeeper.h"

#include "platform/runtime/process.h"
#include "platform/storage/rewrite.h"

namespace posthorn::storage {
namespace {

// How often doomed files are tried again while a question is open, and segments are looked at.
constexpr std::chrono::milliseconds retry_after{50};
constexpr std::chrono::seconds look_at_segments_every{60};

}  // namespace

Housekeeper::Housekeeper(const StoreOptions& options, disk::SegmentFiles& segments, Committer& committer,
                         ReaderPool& readers, Database database)
    : options_(options),
      segments_(segments),
      committer_(committer),
      readers_(readers),
      database_(std::move(database)) {}

void Housekeeper::start() {
  thread_ = std::thread([this] { work(); });
}

void Housekeeper::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::doom(const std::vector<std::filesystem::path>& paths, std::uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& path : paths) doomed_.push_back({path, sequence});
  }
  changed_.notify_one();
}

Housekeeper::Hold::Hold(Housekeeper& keeper) : keeper_(keeper) {
  std::unique_lock lock(keeper_.mutex_);
  ++keeper_.holds_;
  // What had begun is finished first.
  keeper_.changed_.wait(lock, [this] { return !keeper_.busy_; });
}

Housekeeper::Hold::~Hold() {
  {
    const std::lock_guard lock(keeper_.mutex_);
    --keeper_.holds_;
  }
  keeper_.changed_.notify_all();
}

void Housekeeper::work() {
  runtime::name_this_thread("housekeeper");
  auto look_at = std::chrono::steady_clock::now() + look_at_segments_every;
  std::unique_lock lock(mutex_);
  while (!closed_) {
    const bool waits_for_readers = !doomed_.empty() && !held();
    changed_.wait_for(lock, waits_for_readers ? std::chrono::milliseconds(retry_after)
                                              : std::chrono::milliseconds(look_at_segments_every));
    if (closed_) break;
    lock.unlock();
    remove_doomed();
    if (std::chrono::steady_clock::now() >= look_at) {
      if (auto reclaimed = reclaim(); !reclaimed) {
        options_.log.warning("segment not rewritten", {{"why", reclaimed.error().text()}});
      }
      look_at = std::chrono::steady_clock::now() + look_at_segments_every;
    }
    lock.lock();
  }
}

void Housekeeper::remove_doomed() {
  std::vector<Doomed> now;
  {
    const std::lock_guard lock(mutex_);
    if (held() || busy_) return;
    const std::uint64_t seen = readers_.seen_by_all();
    const auto later = std::ranges::partition(doomed_, [seen](const Doomed& file) { return file.sequence > seen; });
    now.assign(later.begin(), later.end());
    doomed_.erase(later.begin(), later.end());
    busy_ = true;
  }
  for (const Doomed& file : now) {
    if (const auto id = disk::Layout::segment_id(file.path.filename().string())) segments_.forget(*id);
    // What cannot be removed is swept at the next start.
    static_cast<void>(segments_.files().remove(file.path));
  }
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
}

std::vector<Housekeeper::Candidate> Housekeeper::candidates() {
  std::uint64_t open = 0;
  committer_.pause([&] { open = segments_.open_segment(); });
  std::vector<Candidate> found;
  Statement rows = database_.prepare("SELECT id, octets, live FROM segments WHERE live * 2 < octets AND id <> ?");
  rows.with(open);
  while (rows.step()) found.push_back({rows.natural(0), rows.natural(1), rows.natural(2)});
  return found;
}

Result<std::uint64_t, Problem> Housekeeper::reclaim() {
  const std::lock_guard one(rewriting_);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_ || closed_; });
    if (held() || closed_) return 0;
    busy_ = true;
  }
  std::uint64_t given_back = 0;
  std::optional<Problem> problem;
  try {
    for (const Candidate& segment : candidates()) {
      auto octets = rewrite(segment);
      if (octets) given_back += *octets;
      if (!octets) problem = octets.error();
    }
  } catch (const DatabaseError& error) {
    problem = Problem{ProblemKind::unavailable, "cannot look for segments to rewrite", error.what(), ""};
  }
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
  if (problem) return fail(*problem);
  return given_back;
}

Result<std::uint64_t, Problem> Housekeeper::rewrite(const Candidate& segment) {
  const auto free = segments_.files().free_octets(options_.dir);
  if (free && *free < options_.reserve_octets + segment.live) return 0;  // no room for the copy: later
  auto rewritten = rewrite_segment(segments_, database_, segment.id);
  if (!rewritten) return fail(rewritten.error());
  const bool moved =
      committer_.run_between_groups([&](const Database& database) { move_records(database, segment.id, *rewritten); });
  if (!moved) {
    static_cast<void>(segments_.files().remove(segments_.layout().segment(rewritten->id)));
    return 0;
  }
  std::uint64_t sequence = 0;
  committer_.pause([&] { sequence = committer_.sequence(); });
  doom({segments_.layout().segment(segment.id)}, sequence);
  return segment.octets - std::min(segment.octets, rewritten->octets);
}

}  // namespace posthorn::storage
