// StoryRows: stories, their parts, and the index by which they are found. Committer only.
#pragma once

#include "platform/storage/database.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

/// Stories whose keys are in no batch yet: what a question must scan, and what one sorting costs (about 10 ms). They
/// are those with an id above every batch's newest, and those in story_tail, which came late.
inline constexpr std::int64_t story_tail_max = 4096;

class StoryRows {
 public:
  explicit StoryRows(const Database& database);

  void put(const StoryRow& row);
  void append(const StoryPartRow& row);
  /// How many went.
  [[nodiscard]] std::uint64_t sweep(const SweepStories& which);

  /// At the end of a group: sorts a tail that has grown long into a batch.
  void sort_tail_if_long();
  /// After a rollback of a unit or group: how long the tail is must be asked again.
  void forget() { tail_ = octets_ = sorted_up_to_ = -1; }

 private:
  struct Key {
    std::int64_t hash = 0;
    std::int64_t id = 0;
    auto operator<=>(const Key&) const = default;
  };

  [[nodiscard]] std::int64_t sorted_up_to();
  void add_late(const StoryRow& row);
  /// Also raises `newest` to the highest id that is above every batch's.
  [[nodiscard]] std::vector<Key> tail_keys(std::int64_t& newest);
  void sort_tail();
  void count_octets(std::int64_t change) {
    if (octets_ >= 0) octets_ += change;
  }
  void remove(std::int64_t id);

  std::int64_t tail_ = -1;          // stories in the tail; -1: unknown
  std::int64_t sorted_up_to_ = -1;  // no story above it is in a batch; -1: unknown
  std::int64_t octets_ = -1;        // of all stories and parts; -1: unknown
  Statement put_story_, append_part_, add_late_, read_late_, clear_late_, read_recent_, sorted_, add_key_, add_batch_,
      count_tail_;
  Statement sum_octets_, oldest_, story_octets_, remove_story_, remove_parts_, old_batches_, remove_batch_,
      remove_keys_;
};

}  // namespace posthorn::storage
