#include "platform/resolver/answer_cache.h"

namespace posthorn::resolver {
namespace {

// RFC 8767 4 advises a cap; a day is libunbound's, an hour is enough to save the hops.
constexpr std::uint32_t kKeptSecondsMax = 3600;

dns::AnswerData data_of(const dns::Answer& answer) {
  return {.question = answer.question(),
          .type = answer.type(),
          .status = answer.status(),
          .records = answer.records(),
          .cname_chain = answer.cname_chain(),
          .ttl_seconds = answer.ttl_seconds(),
          .secure = answer.secure(),
          .from_cache = true,
          .source = "cache",
          .reason = answer.reason()};
}

}  // namespace

std::optional<dns::Answer> AnswerCache::find(const dns::Name& name, dns::RecordType type, TimePoint now) {
  const std::string key = question_key(name, type);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.expires <= now || now < entry.kept) {
    entries_.erase(found);
    return std::nullopt;
  }
  const auto passed = static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now - entry.kept).count());
  dns::AnswerData data = entry.data;
  data.ttl_seconds -= std::min(passed, data.ttl_seconds);
  for (dns::Record& record : data.records) record.ttl_seconds -= std::min(passed, record.ttl_seconds);
  return dns::Answer(std::move(data));
}

void AnswerCache::keep(const dns::Answer& answer, TimePoint now) {
  if (!dns::is_definite(answer.status()) || answer.ttl_seconds() == 0 || answers_max_ == 0) return;
  const std::chrono::seconds life{std::min(answer.ttl_seconds(), kKeptSecondsMax)};
  std::string key = question_key(answer.question(), answer.type());
  Entry entry{data_of(answer), now, now + life};
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= answers_max_) make_room(now);
  entries_.insert_or_assign(std::move(key), std::move(entry));
}

/// Drops what has expired; where that is nothing, a quarter of the rest.
void AnswerCache::make_room(TimePoint now) {
  std::erase_if(entries_, [now](const auto& item) { return item.second.expires <= now; });
  if (entries_.size() < answers_max_) return;
  auto at = entries_.begin();
  for (std::size_t n = answers_max_ / 4 + 1; n > 0 && at != entries_.end(); --n) at = entries_.erase(at);
}

std::size_t AnswerCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::string question_key(const dns::Name& name, dns::RecordType type) {
  return name.lower_case_key() + std::to_string(static_cast<unsigned>(type));
}

}  // namespace posthorn::resolver
