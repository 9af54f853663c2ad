#include "operations/transition/road.h"

#include <algorithm>
#include <array>

#include "operations/domains/record_data.h"
#include "operations/transition/road_maker.h"

namespace posthorn::transition {
namespace {

using namespace std::string_view_literals;

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

std::string record_line(const RecordChange& change) {
  return fmt::format("{} {} {}", change.name.text(), dns::text(change.type), change.data);
}

/// "publish a MX 10 b. in place of MX 10 c.".
std::string describe(const std::vector<RecordChange>& changes) {
  std::string adds, removes;
  for (const RecordChange& change : changes) {
    std::string& to = change.add ? adds : removes;
    to += (to.empty() ? "" : ", ") + record_line(change);
  }
  if (removes.empty()) return "publish " + adds;
  if (adds.empty()) return "remove " + removes;
  return fmt::format("publish {} in place of {}", adds, removes);
}

bool is_alias(const domains::PublishedSet* set, dns::RecordType type) {
  return set != nullptr && !set->alias_of.empty() && type != dns::RecordType::cname;
}

}  // namespace

std::string_view text(StepKind kind) {
  constexpr std::array words{"publish"sv, "withdraw"sv, "serve-policy"sv, "wait"sv, "by-others"sv, "set-state"sv};
  return words[static_cast<std::size_t>(kind)];
}

std::string_view text(Standing standing) {
  constexpr std::array words{"same"sv,    "ttl-differs"sv, "differs"sv,  "missing"sv,
                             "unknown"sv, "waited-for"sv,  "by-others"sv};
  return words[static_cast<std::size_t>(standing)];
}

Standing standing(const domains::WantedRecord& record, const domains::PublishedRecords& published) {
  if (record.waited_for()) return Standing::waited_for;
  const domains::PublishedSet* set = published.find(record.name, record.type);
  if (set == nullptr || !dns::is_definite(set->status)) return Standing::unknown;
  if (contains(set->data, record.data)) {
    // The TTL behind an alias is its target's owner's business.
    if (set->ttl_seconds == record.ttl_seconds || is_alias(set, record.type)) return Standing::same;
    return record.owner == domains::Owner::network ? Standing::same : Standing::ttl_differs;
  }
  if (record.owner != domains::Owner::domain || is_alias(set, record.type)) return Standing::by_others;
  return record.replaces.empty() ? Standing::missing : Standing::differs;
}

Road plan_road(const Situation& situation, bool override_leaving) {
  return RoadMaker(situation, override_leaving).run();
}

RoadMaker::RoadMaker(const Situation& situation, bool override_leaving)
    : s_(situation), override_leaving_(override_leaving) {
  if (auto name = dns::Name::parse(situation.model.domain)) domain_ = std::move(*name);
}

Road RoadMaker::run() {
  if (s_.model.state == domains::State::migrated) {
    out_.problem = "the domain has migrated: its DNS is somebody else's";
    return std::move(out_);
  }
  decide_policy();
  const std::string id = policy_ ? mta_sts::policy_id(mta_sts::policy_text(*policy_)) : "";
  out_.wanted = domains::wanted_records(s_.model, s_.around, s_.published, id);
  list_unknown();
  publish_purposes("addresses", {domains::Purpose::host_address}, "addresses stand before the records that name them");
  publish_purposes("sending", {domains::Purpose::spf, domains::Purpose::dkim},
                   "what authenticates stands before the policy that demands it");
  publish_purposes("reports", {domains::Purpose::tls_rpt, domains::Purpose::report_permission},
                   "reports begin before a policy can do harm");
  publish_purposes("sts-host", {domains::Purpose::sts_host},
                   "the policy file must be there before the record that announces it");
  serve_policy();
  publish_sts_record();
  publish_purposes("services",
                   {domains::Purpose::tlsa, domains::Purpose::caa, domains::Purpose::srv, domains::Purpose::extra},
                   "independent of the rest");
  publish_purposes("dmarc", {domains::Purpose::dmarc}, "SPF and DKIM stand, so the policy can hold");
  withdraw_unwanted();
  others_must_act();
  change_mx();
  withdraw_old_hosts();
  if (s_.model.state == domains::State::leaving) leave();
  list_foreign();
  return std::move(out_);
}

Step& RoadMaker::add(std::string id, StepKind kind, std::string what, std::string why, TimePoint earliest) {
  out_.steps.push_back({.id = std::move(id),
                        .kind = kind,
                        .what = std::move(what),
                        .why = std::move(why),
                        .earliest = earliest,
                        .earliest_at_risk = {},
                        .risk = {},
                        .changes = {},
                        .policy = {},
                        .state = {}});
  return out_.steps.back();
}

std::vector<RecordChange> RoadMaker::changes_of(const domains::WantedRecord& record) const {
  const Standing now = standing(record, s_.published);
  std::vector<RecordChange> changes;
  if (now == Standing::missing || now == Standing::differs)
    changes.push_back({true, record.name, record.type, record.data, record.ttl_seconds});
  else if (now != Standing::same && now != Standing::ttl_differs)
    return changes;
  const domains::PublishedSet* set = s_.published.find(record.name, record.type);
  if (is_alias(set, record.type)) return changes;
  for (const std::string& data : record.replaces)
    changes.push_back({false, record.name, record.type, data, set != nullptr ? set->ttl_seconds : 0});
  return changes;
}

bool RoadMaker::may_change_while_leaving(domains::Purpose purpose) const {
  // Keys and certificates go on: what they protect must not break on the way out.
  return purpose == domains::Purpose::dkim || purpose == domains::Purpose::tlsa ||
         purpose == domains::Purpose::sts_host || purpose == domains::Purpose::sts_record;
}

void RoadMaker::publish_purposes(std::string id, std::initializer_list<domains::Purpose> purposes, std::string why) {
  std::vector<RecordChange> changes;
  for (const domains::WantedRecord& record : out_.wanted.records) {
    if (std::ranges::find(purposes, record.purpose) == purposes.end()) continue;
    auto its = changes_of(record);
    const bool blocked =
        s_.model.state == domains::State::leaving && !override_leaving_ && !may_change_while_leaving(record.purpose);
    auto& to = blocked ? out_.blocked : changes;
    to.insert(to.end(), its.begin(), its.end());
  }
  if (changes.empty()) return;
  Step& step = add(std::move(id), StepKind::publish, describe(changes), std::move(why), s_.now);
  step.changes = std::move(changes);
}

bool RoadMaker::is_wanted(const domains::LedgerRow& row) const {
  return std::ranges::any_of(out_.wanted.records, [&](const domains::WantedRecord& record) {
    return record.type == row.type && record.name == row.name &&
           (record.data == row.data || contains(record.replaces, row.data));
  });
}

std::vector<RecordChange> RoadMaker::unwanted(bool of_hosts) const {
  std::vector<RecordChange> changes;
  if (s_.model.state == domains::State::leaving && !override_leaving_) return changes;
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (!row.ours || row.removed || is_wanted(row) || mail_may_still_come_to(row.name) != of_hosts) continue;
    if (!contains(s_.published.data(row.name, row.type), row.data)) continue;
    changes.push_back({false, row.name, row.type, row.data, row.ttl_seconds});
  }
  return changes;
}

void RoadMaker::withdraw_unwanted() {
  auto changes = unwanted(false);
  if (changes.empty()) return;
  Step& step = add("withdraw", StepKind::withdraw, describe(changes),
                   "this server published it and the domain no longer wants it", s_.now);
  step.changes = std::move(changes);
}

void RoadMaker::withdraw_old_hosts() {
  auto changes = unwanted(true);
  if (changes.empty()) return;
  Step& step = add("withdraw-hosts", StepKind::withdraw, describe(changes),
                   "no cache leads mail to these hosts any more", hosts_free_at());
  step.changes = std::move(changes);
}

void RoadMaker::others_must_act() {
  for (const domains::WantedRecord& record : out_.wanted.records) {
    const Standing now = standing(record, s_.published);
    if (now == Standing::waited_for) {
      add("waited-for", StepKind::by_others,
          fmt::format("{} {}: the value has yet to come", record.name.text(), dns::text(record.type)), record.reason,
          s_.now);
    } else if (now == Standing::by_others) {
      const domains::PublishedSet* set = s_.published.find(record.name, record.type);
      add(record.purpose == domains::Purpose::ptr ? "ptr" : "alias", StepKind::by_others,
          fmt::format("{} {} {}", record.name.text(), dns::text(record.type), record.data),
          is_alias(set, record.type) ? fmt::format("the name is an alias of {}: change it there", set->alias_of)
                                     : "whoever runs the address publishes it: " + record.reason,
          s_.now);
    }
  }
}

void RoadMaker::list_foreign() {
  std::set<domains::RecordQuestion> seen;
  for (const domains::WantedRecord& record : out_.wanted.records) {
    if (!seen.insert({record.name, record.type}).second) continue;
    for (const std::string& data : s_.published.data(record.name, record.type)) {
      const bool ours = std::ranges::any_of(out_.wanted.records, [&](const domains::WantedRecord& other) {
        return other.type == record.type && other.name == record.name &&
               (other.data == data || contains(other.replaces, data));
      });
      if (!ours && !s_.ledger.owns(record.name, record.type, data))
        out_.foreign.push_back({record.name, record.type, data});
    }
  }
}

void RoadMaker::list_unknown() {
  for (const domains::WantedRecord& record : out_.wanted.records) {
    if (standing(record, s_.published) != Standing::unknown) continue;
    const domains::PublishedSet* set = s_.published.find(record.name, record.type);
    out_.problem += fmt::format("{}{} {}: {}", out_.problem.empty() ? "" : "; ", record.name.text(),
                                dns::text(record.type), set == nullptr ? "not asked" : dns::text(set->status));
  }
}

}  // namespace posthorn::transition
