// ContentRows: the octets of messages as rows, counted by how many emails and queue rows name them. Committer only.
#pragma once

#include <unordered_map>

#include "platform/disk/segments.h"
#include "platform/storage/database.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

// Column `place` of contents: where a message's octets stand.
inline constexpr int place_inline = 0;
inline constexpr int place_segment = 1;
inline constexpr int place_file = 2;

/// Where the octets of a PutContent of this group already are, when not inline.
struct Placement {
  disk::SegmentPlace segment;
  std::uint32_t crc = 0;
};

/// What a unit changed outside the database: kept until the group is committed, cut back when a unit fails.
struct ContentEffects {
  struct LiveChange {
    std::uint64_t segment = 0;
    std::int64_t octets = 0;
  };
  std::vector<LiveChange> live;
  std::vector<MailId> freed_files;
  std::vector<std::shared_ptr<disk::StagedFile>> taken_files;

  void add(ContentEffects more);
};

class ContentRows {
 public:
  explicit ContentRows(const Database& database);

  /// False when a content of that id is there already.
  [[nodiscard]] bool put(const PutContent& put, std::uint32_t references, const Placement* placement);
  /// One more name; false when there is no such content.
  [[nodiscard]] bool add_reference(MailId id);
  /// One name less; the last one frees the content.
  void release(MailId id);

  /// At the end of a group: the live octets of segments.
  void write_segment_totals(std::uint64_t open_segment, std::uint64_t open_octets);

  [[nodiscard]] ContentEffects& effects() { return effects_; }

 private:
  ContentEffects effects_;
  Statement insert_, add_, get_, drop_, remove_, segment_;
};

}  // namespace posthorn::storage
