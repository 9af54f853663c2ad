#include "operations/transition/timeline.h"

#include <algorithm>
#include <array>

namespace posthorn::transition {
namespace {

using namespace std::string_view_literals;

class Calendar {
 public:
  explicit Calendar(const Situation& situation) : s_(situation) {}

  void add(TimePoint at, EventKind kind, std::string what, std::string why) {
    // Behind what stands at the same time already: the order of the road is kept.
    const auto place = std::ranges::upper_bound(events_, at, {}, &TimelineEvent::at);
    events_.insert(place, {at, kind, std::move(what), std::move(why)});
  }

  void step(const Step& step) {
    if (step.kind == StepKind::by_others) {
      add(s_.now, EventKind::act, "others must act: " + step.what, step.why);
      return;
    }
    if (step.earliest_at_risk && *step.earliest_at_risk < step.earliest)
      add(*step.earliest_at_risk, EventKind::safe,
          fmt::format("T1: {} is safe with senders that follow RFC 8461", step.what), step.risk);
    const bool gated = step.earliest_at_risk.has_value();
    add(step.earliest, step.kind == StepKind::wait ? EventKind::safe : EventKind::act,
        gated ? fmt::format("T2: {}", step.what) : step.what, step.why);
    after(step);
  }

  /// What caches still hold once the step is taken.
  void after(const Step& step) {
    std::uint32_t old_ttl = 0;
    bool negative = false;
    for (const RecordChange& change : step.changes) {
      if (!change.add) old_ttl = std::max(old_ttl, change.ttl_seconds);
      const domains::PublishedSet* set = s_.published.find(change.name, change.type);
      const bool absent = set == nullptr || set->data.empty();
      if (!change.add || !absent) continue;
      negative = true;
      old_ttl = std::max(old_ttl, set == nullptr ? 0U : set->ttl_seconds);
    }
    if (old_ttl == 0) return;
    add(step.earliest + std::chrono::seconds{old_ttl}, EventKind::expires,
        fmt::format("no cache answers any more as it was before step {}", step.id),
        negative ? "RFC 2308: that a name does not exist is remembered too" : "the longest TTL of what was replaced");
  }

  void policies() {
    for (const domains::PolicyEntry& entry : s_.policies.entries) {
      if (&entry == s_.policies.current() || entry.held_until() <= s_.now) continue;
      add(entry.held_until(), EventKind::expires,
          fmt::format("nobody holds the MTA-STS policy {} (mode {}) any more", entry.id,
                      mta_sts::text(entry.policy.mode)),
          fmt::format("last fetched {}, max_age {}", rfc3339(entry.last_fetched), entry.policy.max_age_seconds));
    }
    if (const domains::PolicyEntry* current = s_.policies.current(); current != nullptr)
      add(s_.now + std::chrono::seconds{current->policy.max_age_seconds}, EventKind::expires,
          "who fetches the MTA-STS policy now holds it until then",
          fmt::format("max_age {}", current->policy.max_age_seconds));
  }

  void caches() {
    for (const domains::LedgerRow& row : s_.ledger.rows) {
      const auto until = row.cached_until();
      if (until && *until > s_.now)
        add(*until, EventKind::expires,
            fmt::format("no cache holds {} {} {} any more", row.name.text(), dns::text(row.type), row.data),
            fmt::format("removed {}, TTL {}", rfc3339(*row.removed), row.ttl_seconds));
    }
  }

  /// Roll-overs under way (docs/states/keys.md).
  void keys() {
    for (const domains::OwnKey& key : s_.around.keys) {
      if (key.next.empty()) continue;
      add(std::max(key.next_at.value_or(s_.now), s_.now), key.next_at ? EventKind::safe : EventKind::act,
          fmt::format("DKIM key {}: {}", key.selector, key.next),
          key.next_at ? "the server takes the step by itself; posthorn domain keys shows what it waits for"
                      : "publish its record: posthorn domain apply");
    }
    // RFC 7671 8.1: both keys' records stand for two TTLs before the host changes over.
    for (const domains::WantedRecord* record : tlsa_to_come_)
      add(s_.now + std::chrono::seconds{2 * record->ttl_seconds}, EventKind::safe,
          fmt::format("a key with the TLSA record {} may be used, where that is published now", record->data),
          "twice the TTL: every cache that held the set without it has forgotten it");
  }

  void tlsa(const Road& road) {
    for (const domains::WantedRecord& record : road.wanted.records)
      if (record.purpose == domains::Purpose::tlsa && standing(record, s_.published) == Standing::missing)
        tlsa_to_come_.push_back(&record);
  }

  void queue() {
    if (s_.around.queue_age_seconds_max == 0) return;
    add(s_.now + std::chrono::seconds{s_.around.queue_age_seconds_max}, EventKind::expires,
        "what is queued now has been delivered or returned",
        fmt::format("keys that signed it must be published until then; {} messages of the domain wait", s_.queued));
  }

  [[nodiscard]] std::vector<TimelineEvent> take() { return std::move(events_); }

 private:
  const Situation& s_;
  std::vector<const domains::WantedRecord*> tlsa_to_come_;
  std::vector<TimelineEvent> events_;
};

}  // namespace

std::string_view text(EventKind kind) {
  constexpr std::array words{"do"sv, "safe"sv, "expires"sv};
  return words[static_cast<std::size_t>(kind)];
}

std::vector<TimelineEvent> timeline_of(const Situation& situation, const Road& road) {
  Calendar calendar(situation);
  for (const Step& step : road.steps) calendar.step(step);
  calendar.policies();
  calendar.caches();
  calendar.tlsa(road);
  calendar.keys();
  calendar.queue();
  return calendar.take();
}

}  // namespace posthorn::transition
