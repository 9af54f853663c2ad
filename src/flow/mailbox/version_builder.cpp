#include "flow/mailbox/version_builder.h"

#include <algorithm>

namespace posthorn::mailbox {
namespace {

// Sets that no email bears any more are dropped when there are this many and twice as many as emails.
constexpr std::uint32_t keyword_sets_kept = 10'000;
// A chunk's room for entries to come is given back where it is more than this.
constexpr std::size_t chunk_slack_max = 16;

}  // namespace

VersionBuilder::VersionBuilder(const storage::MailboxRow& row, std::shared_ptr<KeywordSets> keywords)
    : version_(std::make_shared<Version>()), keywords_(std::move(keywords)) {
  version_->mailbox_ = row.id;
  version_->uid_validity_ = row.uid_validity;
  version_->uid_next_ = row.uid_next;
  version_->highest_modseq_ = row.highest_modseq;
  version_->forgotten_modseq_ = row.forgotten_modseq;
  version_->keywords_ = keywords_;
}

VersionBuilder::VersionBuilder(const Version& present)
    : version_(std::make_shared<Version>(present)),
      // Made by a builder, from which it came unchanged.
      keywords_(std::const_pointer_cast<KeywordSets>(present.keywords_)) {
  if (keywords_->size() > keyword_sets_kept && keywords_->size() > 2 * present.size()) renew_keywords();
}

void VersionBuilder::renew_keywords() {
  auto fresh = std::make_shared<KeywordSets>();
  for (std::size_t i = 0; i < version_->chunks_.size(); ++i)
    for (Entry& entry : own(i))
      entry = entry.with_flags(entry.flags(), fresh->number_of(keywords_->at(entry.keyword_set())), entry.modseq());
  keywords_ = std::move(fresh);
  version_->keywords_ = keywords_;
}

VersionBuilder::Chunk& VersionBuilder::own(std::size_t index) {
  std::shared_ptr<const Chunk>& place = version_->chunks_[index];
  if (const auto found = owned_.find(place.get()); found != owned_.end()) return *found->second;
  auto copy = std::make_shared<Chunk>();
  copy->reserve(std::min(Version::chunk_entries_max, place->size() + chunk_slack_max / 2));
  copy->assign(place->begin(), place->end());
  Chunk* writable = copy.get();
  place = std::move(copy);
  owned_.emplace(writable, writable);
  return *writable;
}

std::optional<std::size_t> VersionBuilder::chunk_of(Uid uid) const {
  const auto& chunks = version_->chunks_;
  const auto chunk = std::ranges::partition_point(chunks, [uid](const auto& each) { return each->back().uid() < uid; });
  if (chunk == chunks.end()) return std::nullopt;
  return static_cast<std::size_t>(chunk - chunks.begin());
}

void VersionBuilder::count(const Entry& entry, int sign) {
  const auto step = static_cast<std::uint64_t>(std::int64_t{sign});
  Totals& totals = version_->totals_;
  if (!entry.has(Flag::seen)) totals.unseen += step;
  if (entry.has(Flag::deleted)) totals.deleted += step;
  totals.octets += entry.size() * step;
  version_->size_ += step;
}

void VersionBuilder::add(const storage::EmailSummary& email) {
  auto& chunks = version_->chunks_;
  if (!chunks.empty() && chunks.back()->back().uid() >= email.uid) return;
  const Entry entry(email, keywords_->number_of(email.keywords));
  if (chunks.empty() || chunks.back()->size() >= Version::chunk_entries_max) {
    auto fresh = std::make_shared<Chunk>();
    Chunk* writable = fresh.get();
    chunks.push_back(std::move(fresh));
    owned_.emplace(writable, writable);
    writable->push_back(entry);
  } else {
    own(chunks.size() - 1).push_back(entry);
  }
  count(entry, 1);
  raise_uid_next(email.uid == ~Uid{0} ? email.uid : email.uid + 1);
  raise_modseq(email.modseq);
}

void VersionBuilder::set_flags(Uid uid, ModSeq modseq, std::uint8_t flags, const std::vector<std::string>& keywords) {
  raise_modseq(modseq);
  const auto index = chunk_of(uid);
  if (!index) return;
  const auto& shared = *version_->chunks_[*index];
  const auto found = std::ranges::lower_bound(shared, uid, {}, &Entry::uid);
  if (found->uid() != uid || found->modseq() >= modseq) return;
  const auto at = found - shared.begin();
  Entry& entry = own(*index)[static_cast<std::size_t>(at)];
  count(entry, -1);
  entry = entry.with_flags(flags, keywords_->number_of(keywords), modseq);
  count(entry, 1);
}

void VersionBuilder::remove(Uid uid, ModSeq modseq) {
  raise_modseq(modseq);
  const auto index = chunk_of(uid);
  if (!index) return;
  const auto& shared = *version_->chunks_[*index];
  const auto found = std::ranges::lower_bound(shared, uid, {}, &Entry::uid);
  if (found->uid() != uid) return;
  count(*found, -1);
  if (shared.size() == 1) {
    owned_.erase(version_->chunks_[*index].get());
    version_->chunks_.erase(version_->chunks_.begin() + static_cast<std::ptrdiff_t>(*index));
    return;
  }
  const auto at = found - shared.begin();
  Chunk& chunk = own(*index);
  chunk.erase(chunk.begin() + at);
}

void VersionBuilder::keep(const Entry& entry) {
  auto& chunks = version_->chunks_;
  const auto index = chunk_of(entry.uid());
  if (!index) {
    auto fresh = std::make_shared<Chunk>(1, entry);
    owned_.emplace(fresh.get(), fresh.get());
    chunks.push_back(std::move(fresh));
  } else {
    Chunk& chunk = own(*index);
    const auto at = std::ranges::lower_bound(chunk, entry.uid(), {}, &Entry::uid);
    if (at->uid() == entry.uid()) return;
    chunk.insert(at, entry);
  }
  count(entry, 1);
}

void VersionBuilder::raise_uid_next(Uid uid_next) {
  version_->uid_next_ = std::max(version_->uid_next_, uid_next);
}

void VersionBuilder::raise_modseq(ModSeq modseq) {
  version_->highest_modseq_ = std::max(version_->highest_modseq_, modseq);
}

void VersionBuilder::forget_up_to(ModSeq modseq) {
  version_->forgotten_modseq_ = std::max(version_->forgotten_modseq_, modseq);
}

void VersionBuilder::mark_gone() {
  version_->gone_ = true;
}

std::shared_ptr<const Version> VersionBuilder::finish() {
  auto& starts = version_->starts_;
  starts.clear();
  starts.reserve(version_->chunks_.size());
  std::size_t start = 0;
  for (const auto& chunk : version_->chunks_) {
    starts.push_back(static_cast<std::uint32_t>(start));
    start += chunk->size();
  }
  version_->size_ = start;
  for (const auto& [shared, chunk] : owned_)
    if (chunk->capacity() > chunk->size() + chunk_slack_max) chunk->shrink_to_fit();
  owned_.clear();
  return std::move(version_);
}

}  // namespace posthorn::mailbox
