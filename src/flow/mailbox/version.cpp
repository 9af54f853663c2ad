#include "flow/mailbox/version.h"

#include <algorithm>

#include "flow/mailbox/keyword_sets.h"

namespace posthorn::mailbox {
namespace {

// RFC 7162 has 63 bits; one a microsecond for nine years stays below.
constexpr ModSeq modseq_max = (ModSeq{1} << 48) - 1;

}  // namespace

Entry::Entry(const storage::EmailSummary& email, std::uint32_t keywords)
    : uid_(email.uid),
      keywords_(keywords & 0xffffff),
      flags_(email.flags),
      modseq_(std::min(email.modseq, modseq_max)),
      size_high_((email.size >> 32) & 0xff),
      size_low_(static_cast<std::uint32_t>(email.size)),
      email_id_(email.email_id.value) {
  const auto seconds = static_cast<std::uint64_t>(unix_seconds(email.internal_date));
  date_high_ = (seconds >> 32) & 0xff;
  date_low_ = static_cast<std::uint32_t>(seconds);
}

TimePoint Entry::internal_date() const {
  const auto high = static_cast<std::int8_t>(date_high_);  // dates before 1970 are negative
  return from_unix_seconds((std::int64_t{high} << 32) | date_low_);
}

Entry Entry::with_flags(std::uint8_t flags, std::uint32_t keywords, ModSeq modseq) const {
  Entry changed = *this;
  changed.flags_ = flags;
  changed.keywords_ = keywords & 0xffffff;
  changed.modseq_ = std::min(modseq, modseq_max);
  return changed;
}

std::size_t Version::chunk_at(std::size_t position) const {
  const auto after = std::ranges::upper_bound(starts_, position);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

const Entry& Version::at(std::size_t position) const {
  const std::size_t chunk = chunk_at(position);
  return (*chunks_[chunk])[position - starts_[chunk]];
}

std::size_t Version::lower_bound(Uid uid) const {
  // The first chunk that ends at or behind the uid.
  const auto chunk =
      std::ranges::partition_point(chunks_, [uid](const auto& each) { return each->back().uid() < uid; });
  if (chunk == chunks_.end()) return size_;
  const auto entry = std::ranges::lower_bound(**chunk, uid, {}, &Entry::uid);
  return starts_[static_cast<std::size_t>(chunk - chunks_.begin())] +
         static_cast<std::size_t>(entry - (*chunk)->begin());
}

std::optional<std::size_t> Version::position_of(Uid uid) const {
  const std::size_t position = lower_bound(uid);
  if (position == size_ || at(position).uid() != uid) return std::nullopt;
  return position;
}

const Entry* Version::find(Uid uid) const {
  const auto position = position_of(uid);
  return position ? &at(*position) : nullptr;
}

const KeywordSet& Version::keywords(const Entry& entry) const {
  return keywords_->at(entry.keyword_set());
}

std::vector<std::string> Version::known_keywords() const {
  return keywords_->all();
}

namespace {

/// Walks the entries of a version, whole chunks at a time where asked.
class Cursor {
 public:
  explicit Cursor(const Version& version) : version_(version) {}
  [[nodiscard]] bool at_end() const { return chunk_ == version_.chunks().size(); }
  [[nodiscard]] const Entry& entry() const { return (*version_.chunks()[chunk_])[index_]; }
  /// The chunk that begins here; nullptr in the middle of one.
  [[nodiscard]] const Version::Chunk* chunk() const { return index_ == 0 ? version_.chunks()[chunk_].get() : nullptr; }
  void next() {
    if (++index_ < version_.chunks()[chunk_]->size()) return;
    next_chunk();
  }
  void next_chunk() {
    ++chunk_;
    index_ = 0;
  }

 private:
  const Version& version_;
  std::size_t chunk_ = 0, index_ = 0;
};

}  // namespace

Difference compare(const Version& before, const Version& after) {
  Difference difference;
  Cursor old(before);
  Cursor now(after);
  while (!old.at_end() || !now.at_end()) {
    if (!old.at_end() && !now.at_end() && old.chunk() != nullptr && old.chunk() == now.chunk()) {
      old.next_chunk();
      now.next_chunk();
    } else if (now.at_end() || (!old.at_end() && old.entry().uid() < now.entry().uid())) {
      difference.gone.push_back(old.entry().uid());
      old.next();
    } else if (old.at_end() || now.entry().uid() < old.entry().uid()) {
      difference.added.push_back(now.entry().uid());
      now.next();
    } else {
      if (old.entry().modseq() != now.entry().modseq()) difference.changed.push_back(now.entry().uid());
      old.next();
      now.next();
    }
  }
  return difference;
}

}  // namespace posthorn::mailbox
