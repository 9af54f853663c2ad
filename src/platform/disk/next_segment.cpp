#include "platform/disk/next_segment.h"

#include <algorithm>
#include <cerrno>

#include "platform/disk/prepared_space.h"
#include "platform/runtime/process.h"

namespace posthorn::disk {
namespace {

// Zeros are synced in parts, so that the disk never has a long line of them in front of a group.
constexpr std::uint64_t zeros_part_octets = 2 * MiB;

}  // namespace

void NextSegment::start() {
  if (options_.octets > 0) thread_ = std::thread([this] { work(); });
}

void NextSegment::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (state_ == State::ready) remove_file();
  state_ = State::idle;
}

bool NextSegment::is_idle() {
  const std::lock_guard lock(mutex_);
  return options_.octets > 0 && state_ == State::idle && !closed_;
}

void NextSegment::ask(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::idle || closed_) return;
    state_ = State::asked;
    id_ = id;
    unwanted_ = false;
  }
  changed_.notify_all();
}

bool NextSegment::is_ready() {
  const std::lock_guard lock(mutex_);
  return state_ == State::ready;
}

std::optional<NextSegment::Ready> NextSegment::take() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::ready) return std::nullopt;
  state_ = State::idle;
  return Ready{id_, std::move(file_), options_.octets};
}

void NextSegment::give_back() {
  const std::lock_guard lock(mutex_);
  unwanted_ = true;
  if (state_ != State::ready) return;
  remove_file();
  state_ = State::idle;
}

void NextSegment::remove_file() {
  file_.reset();
  // What cannot be removed is swept at the next start.
  static_cast<void>(files_.remove(layout_.segment(id_)));
}

// ---------------------------------------------------------------- the thread

void NextSegment::work() {
  runtime::name_this_thread("next-segment");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || state_ == State::asked; });
    if (closed_) return;
    const std::uint64_t id = id_;
    lock.unlock();
    auto made = make(id);
    lock.lock();
    settle(std::move(made));
  }
}

/// With the mutex held.
void NextSegment::settle(Result<std::unique_ptr<File>, FileError> made) {
  state_ = State::idle;
  if (made && *made && !unwanted_) {
    file_ = std::move(*made);
    state_ = State::ready;
    return;
  }
  remove_file();
  if (!made && !is_full(made.error())) failed_(made.error());
}

/// Null where there is no room for it, or nobody wants it any more.
Result<std::unique_ptr<File>, FileError> NextSegment::make(std::uint64_t id) {
  if (!has_room()) return nullptr;
  auto file = files_.open(layout_.segment(id), OpenMode::append);
  if (!file) return fail(file.error());
  if (auto filled = fill(**file); !filled) return fail(filled.error());
  if (auto named = files_.sync_folder(layout_.segments()); !named) return fail(named.error());
  return std::move(*file);
}

Result<void, FileError> NextSegment::fill(File& file) {
  for (std::uint64_t done = 0; done < options_.octets; done += zeros_part_octets) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || unwanted_) return fail(FileError{ENOSPC});
    }
    auto written = write_zeros(file, done, std::min(zeros_part_octets, options_.octets - done));
    if (written) written = file.sync();
    if (!written) return written;
  }
  return {};
}

bool NextSegment::has_room() {
  const auto free = files_.free_octets(layout_.dir);
  return free && *free >= options_.reserve_octets + 2 * options_.octets;
}

}  // namespace posthorn::disk
