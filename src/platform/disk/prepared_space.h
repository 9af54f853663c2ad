// Prepared space: zeros written ahead of a file's end, so that what is appended later overwrites blocks that exist.
//
// A sync of a file that has grown also commits the file system's journal (the file's length, new blocks), which costs
// several times the sync of blocks that were there before. So a file that is appended to and synced all the time is
// made longer by a whole step at once. What stands behind the used part is zeros and means nothing: segment rows say
// how long a segment is (segments.h), and SQLite's write-ahead log ends where a frame's checksum is wrong.
#pragma once

#include <cstdint>

#include "platform/disk/file_layer.h"

namespace posthorn::disk {

/// The disk, or a quota on it, is full.
[[nodiscard]] bool is_full(FileError error);

/// Overwrites `octets` octets from `offset` on with zeros; the caller syncs.
[[nodiscard]] Result<void, FileError> write_zeros(File& file, std::uint64_t offset, std::uint64_t octets);

class PreparedSpace {
 public:
  /// 0 octets a step: nothing is ever prepared. `write_octets`: how many of them a write takes at most. Through the
  /// page cache one large write makes one large folio, and each small write into it later walks through all its blocks.
  explicit PreparedSpace(std::uint64_t step_octets, std::uint64_t write_octets = UINT64_MAX)
      : step_octets_(step_octets), write_octets_(write_octets) {}

  /// Another file, or the file as it is found at start: `octets` of it are there.
  void restart(std::uint64_t octets) { prepared_ = octets; }
  [[nodiscard]] bool reaches(std::uint64_t end) const { return step_octets_ == 0 || end <= prepared_; }
  [[nodiscard]] std::uint64_t step_octets() const { return step_octets_; }
  /// Writes one step of zeros from `end` on; the caller syncs. A disk too full for it is no error: it may still have
  /// room for what the caller has to write.
  [[nodiscard]] Result<void, FileError> extend(File& file, std::uint64_t end);

 private:
  std::uint64_t step_octets_;
  std::uint64_t write_octets_;
  std::uint64_t prepared_ = 0;
};

}  // namespace posthorn::disk
