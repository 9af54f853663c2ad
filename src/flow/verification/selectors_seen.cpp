#include "flow/verification/selectors_seen.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::verification {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kFields = 6;  // of a line: domain, selector, algorithm, bits, first, last

/// FNV-1a: the same in every build, since stored settings go by it.
std::size_t bucket_of(std::string_view domain) {
  std::uint32_t hash = 2166136261U;
  for (const char c : domain) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % SelectorsSeen::buckets;
}

std::string setting_key(std::size_t bucket) {
  return fmt::format("verification/selectors/{}", bucket);
}

void append_line(std::string& out, std::string_view domain, const SeenSelector& seen) {
  out += fmt::format("{} {} {} {} {} {}\n", domain, seen.selector, seen.algorithm, seen.key_bits,
                     unix_seconds(seen.first_seen), unix_seconds(seen.last_seen));
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto space = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

TimePoint time_of(std::string_view word) {
  return from_unix_seconds(static_cast<std::int64_t>(text::parse_number(word).value_or(0)));
}

/// Calls `take` with domain and selector of each line; lines of another form are passed over.
template <class Take>
void read_lines(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.size() != kFields) continue;
    const auto bits = static_cast<unsigned>(text::parse_number(words[3]).value_or(0));
    take(words[0],
         SeenSelector{std::string(words[1]), std::string(words[2]), bits, time_of(words[4]), time_of(words[5])});
  }
}

}  // namespace

Task<> SelectorsSeen::load() {
  auto question = [](storage::Reader& reader) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < buckets; ++i) texts.push_back(reader.setting(setting_key(i)));
    return texts;
  };
  const std::vector<std::string> texts = co_await store_.read(std::move(question));
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < buckets; ++i)
    read_lines(texts[i], [&](std::string_view domain, SeenSelector seen) {
      buckets_[i].domains[std::string(domain)].push_back(std::move(seen));
    });
}

void SelectorsSeen::observed(const Observation& observation) {
  for (const dkim::VerifiedSignature& signature : observation.verdicts.dkim)
    if (signature.result == dkim::Result::pass) note(signature, observation.at);
}

void SelectorsSeen::note(const dkim::VerifiedSignature& signature, TimePoint at) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_[bucket_of(signature.domain)];
  auto domain = bucket.domains.find(signature.domain);
  if (domain == bucket.domains.end()) {
    if (bucket.domains.size() >= domains_max) make_room(bucket.domains);
    domain = bucket.domains.try_emplace(signature.domain).first;
  }
  std::vector<SeenSelector>& selectors = domain->second;
  auto seen = std::ranges::find(selectors, signature.selector, &SeenSelector::selector);
  if (seen == selectors.end()) {
    if (selectors.size() >= selectors_max)
      selectors.erase(std::ranges::min_element(selectors, {}, &SeenSelector::last_seen));
    selectors.push_back({signature.selector, signature.algorithm, signature.key_bits, at, at});
    bucket.changed = true;
  } else if (seen->last_seen + kDay <= at) {
    seen->last_seen = at;
    bucket.changed = true;
  }
}

void SelectorsSeen::make_room(Domains& domains) {
  const auto last_seen = [](const auto& item) {
    return std::ranges::max(item.second, {}, &SeenSelector::last_seen).last_seen;
  };
  domains.erase(std::ranges::min_element(domains, {}, last_seen));
}

void SelectorsSeen::flush() {
  storage::Unit unit;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < buckets; ++i) {
      if (!std::exchange(buckets_[i].changed, false)) continue;
      std::string text;
      for (const auto& [domain, selectors] : buckets_[i].domains)
        for (const SeenSelector& seen : selectors) append_line(text, domain, seen);
      unit.mutations.emplace_back(storage::PutSetting{setting_key(i), std::move(text)});
    }
  }
  if (!unit.mutations.empty()) store_.commit_later(std::move(unit));
}

std::vector<SeenSelector> SelectorsSeen::of(std::string_view domain) const {
  const std::lock_guard lock(mutex_);
  const Domains& domains = buckets_[bucket_of(domain)].domains;
  const auto found = domains.find(domain);
  return found == domains.end() ? std::vector<SeenSelector>{} : found->second;
}

std::vector<SeenSelector> SelectorsSeen::read(storage::Reader& reader, std::string_view domain) {
  std::vector<SeenSelector> found;
  read_lines(reader.setting(setting_key(bucket_of(domain))), [&](std::string_view of, SeenSelector seen) {
    if (of == domain) found.push_back(std::move(seen));
  });
  return found;
}

}  // namespace posthorn::verification
