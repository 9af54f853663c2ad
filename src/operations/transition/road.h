// Road: the ordered steps from what is published to what is wanted, each with the earliest time at which it is safe.
// One engine for plan, apply, timeline, rollout, leave and park: they print it, or take the steps that are due.
//
// The MX gate stands here. While a sender may hold an enforced MTA-STS policy that lacks a host, mail is not led to
// that host: T1 is when senders that follow RFC 8461 know better (the TXT's TTL and a daily refresh after the new id),
// T2 when those that ignore ids do (last fetched + max_age of every policy that lacks the host). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"
#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/policy_log.h"
#include "operations/domains/published.h"
#include "operations/domains/surroundings.h"
#include "operations/domains/wanted.h"

namespace posthorn::transition {

inline constexpr Duration daily_refresh = std::chrono::days(1);  // RFC 8461 10.2 (senders refresh at least daily)

/// Everything a road depends on.
struct Situation {
  domains::Model model;
  domains::Surroundings around;
  domains::PublishedRecords published;
  domains::PolicyLog policies;
  domains::Ledger ledger;
  TimePoint now;
  /// Mail of the domain that still waits in our queue (park drains it first).
  std::size_t queued = 0;
};

enum class StepKind : std::uint8_t {
  publish,       ///< records to add and replace in the domain's zone
  withdraw,      ///< records of ours to remove
  serve_policy,  ///< the policy host serves another file
  wait,          ///< nothing to do but to let time pass
  by_others,     ///< somebody else must act (PTR, a provider's value)
  set_state,     ///< the domain's state changes
};
[[nodiscard]] std::string_view text(StepKind kind);

struct RecordChange {
  bool add = true;
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  std::string data;
  std::uint32_t ttl_seconds = 0;
  friend bool operator==(const RecordChange&, const RecordChange&) = default;
};

struct Step {
  std::string id;  ///< "records", "sts-policy", "sts-record", "mx", "sts-policy-trim", …
  StepKind kind = StepKind::publish;
  std::string what;  ///< "publish MX 10 mx2.example.org"
  std::string why;
  TimePoint earliest;  ///< safe for everybody from then on
  /// With the risk accepted it may be taken from then on (T1); nullopt: never before `earliest`.
  std::optional<TimePoint> earliest_at_risk;
  std::string risk;  ///< what happens to whom, between the two
  std::vector<RecordChange> changes;
  std::optional<mta_sts::Policy> policy;
  std::optional<domains::State> state;
  [[nodiscard]] bool is_due(TimePoint now, bool risk_accepted) const {
    return now >= earliest || (risk_accepted && earliest_at_risk && now >= *earliest_at_risk);
  }
};

/// A record of others at a name we manage: kept.
struct Foreign {
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  std::string data;
};

struct Road {
  domains::Wanted wanted;
  std::vector<Step> steps;       ///< in order; a step is taken only after those before it
  std::vector<Foreign> foreign;  ///< stays as it is
  /// What waits because the domain is leaving (leave.h): not in `steps`.
  std::vector<RecordChange> blocked;
  std::string problem;  ///< why there is no road; empty: there is one
};

/// `override_leaving`: other changes go on although the domain is leaving.
[[nodiscard]] Road plan_road(const Situation& situation, bool override_leaving = false);

/// How a wanted record compares with what is published.
enum class Standing : std::uint8_t { same, ttl_differs, differs, missing, unknown, waited_for, by_others };
[[nodiscard]] std::string_view text(Standing standing);
[[nodiscard]] Standing standing(const domains::WantedRecord& record, const domains::PublishedRecords& published);

/// Notes what the authoritative servers show, one view a server: a record counts as published when all have it, as gone
/// when none has. With `claim`, what is wanted and published is ours from then on; else what stands there before us is
/// remembered as somebody else's (its TTL counts for what follows).
void observe(domains::Ledger& ledger, const domains::Wanted& wanted,
             const std::vector<domains::PublishedRecords>& views, TimePoint now, bool claim);

}  // namespace posthorn::transition
