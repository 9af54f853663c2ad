#include "site/journal/journal.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace posthorn::journal {

void Journal::record(MailId id, TimePoint at, Story story, std::vector<storage::Mutation> with_story) {
  storage::StoryRow row = story.take_row(id, at);
  const std::size_t octets = row.steps.size();
  std::vector<storage::Mutation> batch;
  {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(storage::PutStory{std::move(row)});
    std::ranges::move(with_story, std::back_inserter(waiting_));
    waiting_octets_ += octets;
    if (waiting_.size() >= batch_rows_max || waiting_octets_ >= batch_octets_max) {
      batch = std::exchange(waiting_, {});
      waiting_octets_ = 0;
    }
  }
  ++recorded_;
  if (!batch.empty()) store_.commit_later(storage::Unit{{}, std::move(batch)});
}

void Journal::flush() {
  std::vector<storage::Mutation> batch;
  {
    const std::lock_guard lock(mutex_);
    batch = std::exchange(waiting_, {});
    waiting_octets_ = 0;
  }
  if (!batch.empty()) store_.commit_later(storage::Unit{{}, std::move(batch)});
}

storage::Unit retention(TimePoint now, Duration age, std::uint64_t size_max) {
  return {{}, {storage::SweepStories{.before = now - age, .octets_max = size_max}}};
}

}  // namespace posthorn::journal
