// SegmentFiles: the append-only files of messages between the inline and the segment bound.
//
// One thread (the committer) appends, a group at a time: add() each record, then write_and_sync() before the commit
// that names them. Any thread reads.
#pragma once

#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>

#include "platform/disk/file_layer.h"
#include "platform/disk/layout.h"
#include "platform/disk/next_segment.h"
#include "platform/disk/prepared_space.h"
#include "platform/disk/segment_record.h"

namespace posthorn::disk {

struct SegmentPlace {
  std::uint64_t segment = 0;
  std::uint64_t position = 0;  ///< of the message's octets, behind the record's header
};

class SegmentFiles {
 public:
  SegmentFiles(FileLayer& files, Layout layout, std::uint64_t octets_max, std::uint64_t prepare_octets = 0)
      : files_(files), layout_(std::move(layout)), octets_max_(octets_max), space_(prepare_octets) {}

  /// At start: go on in segment `id` at `octets`, or begin a new one with the number `next_id`.
  void resume(std::uint64_t id, std::uint64_t octets);
  void set_next_id(std::uint64_t next_id) { next_id_ = next_id; }
  /// From now on files may be made ready by `next`, which lives until close().
  void use(NextSegment& next) { next_ = &next; }
  /// The disk is full: space that was only prepared is given back.
  void give_back();

  /// Adds a record to the group; `octets` must live until write_and_sync().
  [[nodiscard]] SegmentPlace add(const RecordHeader& header, Octets octets);
  [[nodiscard]] bool has_group() const { return !parts_.empty(); }
  /// Makes the group durable, the file's name included. On failure nothing of it counts (and what was written is cut
  /// off again where that is possible).
  [[nodiscard]] Result<void, FileError> write_and_sync();
  /// At the end, when nothing is appended any more: the open segment ends where its last record does.
  void close();
  /// The segment that is being appended to, and how long it is.
  [[nodiscard]] std::uint64_t open_segment() const { return current_; }
  [[nodiscard]] std::uint64_t open_octets() const { return end_; }

  /// A number for a segment that somebody else writes (reclaim). Any thread.
  [[nodiscard]] std::uint64_t take_id();
  /// For reading. Any thread.
  [[nodiscard]] Result<std::shared_ptr<File>, FileError> file(std::uint64_t id);
  /// Its file is going to be removed. Any thread.
  void forget(std::uint64_t id);

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] FileLayer& files() const { return files_; }

 private:
  void begin_group();
  [[nodiscard]] bool must_leave();
  [[nodiscard]] Result<void, FileError> prepare_more();
  [[nodiscard]] Result<void, FileError> put_group();
  void drop_group();

  FileLayer& files_;
  Layout layout_;
  std::uint64_t octets_max_;

  // The committer's.
  std::uint64_t current_ = 0;  // 0: none open
  std::uint64_t end_ = 0;      // durable end of the open segment
  bool is_new_ = false;        // its name is not durable yet
  std::unique_ptr<File> append_;
  PreparedSpace space_;
  NextSegment* next_ = nullptr;
  bool extended_ = false;  // a file was made longer by this thread since start: mail of this size keeps coming
  std::uint64_t group_end_ = 0;
  std::deque<std::string> headers_;
  std::vector<Octets> parts_;

  std::mutex mutex_;  // next_id_ and open_
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<File>> open_;
};

}  // namespace posthorn::disk
