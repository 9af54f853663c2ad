#include "platform/disk/segments.h"

namespace posthorn::disk {
namespace {

// Descriptors kept open for reading.
constexpr std::size_t open_files_max = 128;

}  // namespace

void SegmentFiles::resume(std::uint64_t id, std::uint64_t octets) {
  current_ = id;
  end_ = group_end_ = octets;
  is_new_ = false;
  space_.restart(octets);
}

/// A file whose prepared space is nearly used up is left for one that is ready, however short it is.
bool SegmentFiles::must_leave() {
  if (current_ == 0 || end_ >= octets_max_) return true;
  const bool is_nearly_used = !space_.reaches(end_ + space_.step_octets() / 4);
  return is_nearly_used && next_ != nullptr && next_->is_ready();
}

void SegmentFiles::begin_group() {
  group_end_ = end_;
  if (!must_leave()) return;
  close();
  end_ = group_end_ = 0;
  if (auto ready = next_ != nullptr ? next_->take() : std::nullopt) {
    current_ = ready->id;
    append_ = std::move(ready->file);
    is_new_ = false;
    space_.restart(ready->octets);
    next_->ask(take_id());
    return;
  }
  current_ = take_id();
  is_new_ = true;
  space_.restart(0);
}

void SegmentFiles::give_back() {
  if (next_ != nullptr) next_->give_back();
}

/// Within the open file, for little mail; where it comes often the next file is made ready elsewhere.
Result<void, FileError> SegmentFiles::prepare_more() {
  if (space_.reaches(group_end_)) return {};
  if (next_ != nullptr && next_->is_ready()) return {};  // the next group leaves this file
  if (next_ != nullptr && std::exchange(extended_, true) && next_->is_idle()) next_->ask(take_id());
  return space_.extend(*append_, group_end_);
}

void SegmentFiles::close() {
  // What was prepared and not used; where a crash forestalls it, zeros stay behind the last record.
  if (append_) static_cast<void>(append_->truncate(end_));
  append_.reset();
}

SegmentPlace SegmentFiles::add(const RecordHeader& header, Octets octets) {
  if (parts_.empty()) begin_group();
  const std::string& line = headers_.emplace_back(format_record_header(header));
  const SegmentPlace place{current_, group_end_ + line.size()};
  parts_.push_back(line);
  parts_.push_back(octets);
  parts_.push_back("\n");
  group_end_ += record_octets(line.size(), octets.size());
  return place;
}

void SegmentFiles::drop_group() {
  group_end_ = end_;
  headers_.clear();
  parts_.clear();
}

Result<void, FileError> SegmentFiles::write_and_sync() {
  const auto done = put_group();
  if (done) {
    end_ = group_end_;
  } else if (append_) {
    // What stays behind the end is overwritten by the next group or swept at start.
    static_cast<void>(append_->truncate(end_));
    space_.restart(end_);
  }
  drop_group();
  return done;
}

Result<void, FileError> SegmentFiles::put_group() {
  if (!append_) {
    auto opened = files_.open(layout_.segment(current_), OpenMode::append);
    if (!opened) return fail(opened.error());
    append_ = std::move(*opened);
  }
  if (auto written = append_->write_at(end_, parts_); !written) return written;
  if (auto prepared = prepare_more(); !prepared) return prepared;
  if (auto synced = append_->sync(); !synced) return synced;
  if (!is_new_) return {};
  if (auto named = files_.sync_folder(layout_.segments()); !named) return named;
  is_new_ = false;
  return {};
}

std::uint64_t SegmentFiles::take_id() {
  const std::lock_guard lock(mutex_);
  return next_id_++;
}

Result<std::shared_ptr<File>, FileError> SegmentFiles::file(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(id); found != open_.end()) return found->second;
  auto opened = files_.open(layout_.segment(id), OpenMode::read);
  if (!opened) return fail(opened.error());
  if (open_.size() >= open_files_max) open_.clear();
  std::shared_ptr<File> file = std::move(*opened);
  open_.emplace(id, file);
  return file;
}

void SegmentFiles::forget(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  open_.erase(id);
}

}  // namespace posthorn::disk
