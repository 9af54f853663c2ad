// Copying what lives of a segment into a new one.
#pragma once

#include "platform/disk/segments.h"
#include "platform/storage/database.h"

namespace posthorn::storage {

/// The header line that stands before the octets at `position`; nullopt where there is none.
[[nodiscard]] std::optional<disk::ParsedRecordHeader> read_record_header_before(disk::File& file,
                                                                                std::uint64_t position);

struct MovedRecord {
  MailId content;
  std::uint64_t position = 0;  ///< in the new segment
  std::uint64_t size = 0;
};
struct RewrittenSegment {
  std::uint64_t id = 0;
  std::uint64_t octets = 0;
  std::vector<MovedRecord> records;
};

/// Writes and syncs a new segment with the records of `from` that rows of `database` name. Nothing is copied that
/// does not have the checksum its row names: such a segment is left to `store verify`.
[[nodiscard]] Result<RewrittenSegment, Problem> rewrite_segment(disk::SegmentFiles& segments, const Database& database,
                                                                std::uint64_t from);

/// Moves the rows; in a transaction of the committer's.
void move_records(const Database& database, std::uint64_t from, const RewrittenSegment& to);

}  // namespace posthorn::storage
