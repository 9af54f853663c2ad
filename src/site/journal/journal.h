// Journal: the stories of mail that changed nothing (refused, cut off), written in batches that nobody waits for, and
// the retention of all stories. Stories of accepted mail do not come here: they are part of the unit that accepts.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "foundation/base/time.h"
#include "platform/storage/store.h"
#include "site/journal/story.h"

namespace posthorn::journal {

/// Thread-safe.
class Journal {
 public:
  static constexpr std::size_t batch_rows_max = 64;         ///< a unit, about
  static constexpr std::size_t batch_octets_max = 1 * MiB;  ///< a unit

  explicit Journal(storage::Store& store) : store_(store) {}

  /// Takes the story of mail we did not accept. Handed to the store when a batch is full, else by flush(). `with_story`
  /// is written in the same unit.
  void record(MailId id, TimePoint at, Story story, std::vector<storage::Mutation> with_story = {});
  /// Hands over what waits; the server calls it about once a second and at the end.
  void flush();
  [[nodiscard]] std::uint64_t recorded() const { return recorded_; }

 private:
  storage::Store& store_;
  std::mutex mutex_;
  std::vector<storage::Mutation> waiting_;
  std::size_t waiting_octets_ = 0;
  std::atomic<std::uint64_t> recorded_ = 0;
};

/// The unit that removes stories older than `age`, and the oldest beyond `size_max` octets. Runs about once an hour.
[[nodiscard]] storage::Unit retention(TimePoint now, Duration age, std::uint64_t size_max);

}  // namespace posthorn::journal
