#include "operations/domains/policy_log.h"

#include <algorithm>

#include <boost/json.hpp>

#include "operations/domains/json_fields.h"

namespace posthorn::domains {
namespace {

namespace json = boost::json;

/// While it is served, somebody may fetch it this very moment.
TimePoint may_be_held_until(const PolicyLog& log, const PolicyEntry& served, TimePoint now) {
  const bool is_current = &served == log.current();
  const TimePoint fetched = is_current ? std::max(now, served.last_fetched) : served.last_fetched;
  return fetched + std::chrono::seconds{served.policy.max_age_seconds};
}

json::object entry_json(const PolicyEntry& served) {
  json::array mx;
  for (const mta_sts::MxPattern& pattern : served.policy.mx) mx.emplace_back(pattern.text());
  return {{"id", served.id},
          {"mode", mta_sts::text(served.policy.mode)},
          {"max_age", served.policy.max_age_seconds},
          {"mx", std::move(mx)},
          {"first_served", unix_micros(served.first_served)},
          {"last_fetched", unix_micros(served.last_fetched)},
          {"elsewhere", served.elsewhere}};
}

PolicyEntry read_entry(const json::object& object) {
  PolicyEntry served;
  served.id = text_at(object, "id");
  const std::string mode = text_at(object, "mode");
  for (const auto known : {mta_sts::Mode::none, mta_sts::Mode::testing, mta_sts::Mode::enforce}) {
    if (mta_sts::text(known) == mode) served.policy.mode = known;
  }
  served.policy.max_age_seconds = static_cast<std::uint32_t>(number_at(object, "max_age"));
  for (const std::string& text : texts_at(object, "mx")) {
    if (auto pattern = mta_sts::MxPattern::parse(text)) served.policy.mx.push_back(std::move(*pattern));
  }
  served.first_served = time_at(object, "first_served");
  served.last_fetched = time_at(object, "last_fetched");
  served.elsewhere = flag_at(object, "elsewhere");
  return served;
}

}  // namespace

void PolicyLog::serve(const mta_sts::Policy& policy, TimePoint now, bool elsewhere) {
  if (const PolicyEntry* last = current(); last != nullptr && last->policy == policy) return;
  // Until this moment the one before was to be had: a fetch in flight ends by now.
  if (!entries.empty() && (entries.back().elsewhere || entries.back().last_fetched > now))
    entries.back().last_fetched = std::max(entries.back().last_fetched, now);
  entries.push_back({mta_sts::policy_id(mta_sts::policy_text(policy)), policy, now, now, elsewhere});
  forget(now);
}

void PolicyLog::fetched(TimePoint at) {
  if (!entries.empty()) entries.back().last_fetched = std::max(entries.back().last_fetched, at);
}

std::vector<const PolicyEntry*> PolicyLog::lacking(std::string_view host, TimePoint now) const {
  std::vector<const PolicyEntry*> out;
  for (const PolicyEntry& served : entries) {
    // RFC 8461 5: testing and none let everything through.
    if (served.policy.mode != mta_sts::Mode::enforce || served.policy.match(host) != nullptr) continue;
    if (may_be_held_until(*this, served, now) > now) out.push_back(&served);
  }
  return out;
}

std::optional<TimePoint> PolicyLog::lacking_until(std::string_view host, TimePoint now) const {
  std::optional<TimePoint> until;
  for (const PolicyEntry* served : lacking(host, now))
    until = std::max(until.value_or(TimePoint::min()), may_be_held_until(*this, *served, now));
  return until;
}

std::optional<TimePoint> PolicyLog::held_until(TimePoint now) const {
  std::optional<TimePoint> until;
  for (const PolicyEntry& served : entries) {
    if (served.policy.mode == mta_sts::Mode::none) continue;
    const TimePoint held = may_be_held_until(*this, served, now);
    if (held > now) until = std::max(until.value_or(TimePoint::min()), held);
  }
  return until;
}

void PolicyLog::forget(TimePoint now) {
  if (entries.empty()) return;
  const auto last = entries.end() - 1;
  const auto gone =
      std::remove_if(entries.begin(), last, [now](const PolicyEntry& served) { return served.held_until() <= now; });
  entries.erase(gone, last);
  while (entries.size() > policies_max) {
    // The one that runs off first; the current one stays.
    const auto first = std::ranges::min_element(entries.begin(), entries.end() - 1, {}, &PolicyEntry::held_until);
    entries.erase(first);
  }
}

bool same_policies(const PolicyLog& a, const PolicyLog& b) {
  return std::ranges::equal(a.entries, b.entries, [](const PolicyEntry& x, const PolicyEntry& y) {
    return x.id == y.id && x.first_served == y.first_served && x.elsewhere == y.elsewhere;
  });
}

void take_fetches(PolicyLog& log, const PolicyLog& other) {
  for (PolicyEntry& entry : log.entries)
    for (const PolicyEntry& known : other.entries)
      if (known.id == entry.id && known.first_served == entry.first_served)
        entry.last_fetched = std::max(entry.last_fetched, known.last_fetched);
}

std::string policy_log_json(const PolicyLog& log) {
  json::array out;
  for (const PolicyEntry& served : log.entries) out.emplace_back(entry_json(served));
  return json::serialize(json::object{{"policies", std::move(out)}});
}

PolicyLog parse_policy_log(std::string_view text) {
  PolicyLog log;
  const json::object object = parse_object(text);
  for (const json::object* entry : objects_at(object, "policies")) log.entries.push_back(read_entry(*entry));
  return log;
}

std::string policy_log_key(std::string_view domain) {
  return fmt::format("domains/policies/{}", domain);
}

}  // namespace posthorn::domains
