// MTA-STS on the road: the policy, its record, the MX gate, and the way out.
#include <algorithm>

#include "operations/domains/record_data.h"
#include "operations/domains/wanted.h"
#include "operations/transition/road_maker.h"
#include "standards/mta_sts/record.h"

namespace posthorn::transition {
namespace {

/// "10 mail.example.org." → "mail.example.org"; empty for a null MX and for what is no MX.
std::string host_of(std::string_view mx_data) {
  const auto data = domains::parse_data(dns::RecordType::mx, mx_data);
  const auto* mx = data ? std::get_if<dns::Mx>(&*data) : nullptr;
  return mx == nullptr || mx->exchange.is_root() ? std::string{} : mx->exchange.text();
}

std::set<std::string> without(const std::set<std::string>& from, const std::set<std::string>& these) {
  std::set<std::string> out;
  std::ranges::set_difference(from, these, std::inserter(out, out.end()));
  return out;
}

std::string listed(const std::set<std::string>& hosts) {
  std::string out;
  for (const std::string& host : hosts) out += (out.empty() ? "" : ", ") + host;
  return out;
}

std::string mx_words(const std::set<std::string>& before, const std::set<std::string>& after) {
  if (before.empty() && after.empty()) return "say that nobody takes the domain's mail (null MX)";
  if (before.empty()) return fmt::format("lead the domain's mail to {}", listed(after));
  return fmt::format("lead the domain's mail to {} instead of {}", after.empty() ? "nobody" : listed(after),
                     listed(before));
}

/// A policy of ours that somebody may hold. What others serve for the domain is theirs to take back, unless it leaves.
bool is_bound_by_ours(const domains::PolicyLog& policies, TimePoint now) {
  return policies.held_until(now) && std::ranges::any_of(policies.entries, [](const domains::PolicyEntry& served) {
           return !served.elsewhere && served.policy.mode != mta_sts::Mode::none;
         });
}

std::string explain(const mta_sts::Policy& policy) {
  std::string out = fmt::format("mode {}, max_age {}", mta_sts::text(policy.mode), policy.max_age_seconds);
  for (const mta_sts::MxPattern& mx : policy.mx) out += ", mx " + mx.text();
  return out;
}

}  // namespace

std::set<std::string> RoadMaker::wanted_hosts() const {
  std::set<std::string> hosts;
  if (s_.model.state == domains::State::parked) return hosts;
  for (const domains::MxHost& mx : domains::mx_hosts_of(s_.model, s_.around)) hosts.insert(mx.host);
  // A provider whose hosts nobody has named: what is published is what is wanted.
  return hosts.empty() ? published_hosts() : hosts;
}

std::set<std::string> RoadMaker::published_hosts() const {
  std::set<std::string> hosts;
  for (const std::string& data : s_.published.data(domain_, dns::RecordType::mx))
    if (const std::string host = host_of(data); !host.empty()) hosts.insert(host);
  return hosts;
}

std::set<std::string> RoadMaker::cached_hosts() const {
  std::set<std::string> hosts;
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (row.type != dns::RecordType::mx || row.name != domain_) continue;
    const auto until = row.cached_until();
    if (until && *until <= s_.now) continue;
    if (const std::string host = host_of(row.data); !host.empty()) hosts.insert(host);
  }
  return hosts;
}

bool RoadMaker::mail_may_still_come_to(const dns::Name& name) const {
  std::set<std::string> hosts = published_hosts();
  hosts.merge(cached_hosts());
  const auto wanted = wanted_hosts();
  return std::ranges::any_of(hosts, [&](const std::string& host) {
    const auto parsed = dns::Name::parse(host);
    return !wanted.contains(host) && parsed && name.is_at_or_below(*parsed);
  });
}

TimePoint RoadMaker::hosts_free_at() const {
  TimePoint free = s_.now;
  for (const Step& step : out_.steps)
    if (step.id == "mx" || step.id == "mx-drain") free = std::max(free, step.earliest);
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (row.type != dns::RecordType::mx || row.name != domain_) continue;
    if (const auto until = row.cached_until()) free = std::max(free, *until);
  }
  return free;
}

mta_sts::Policy RoadMaker::policy_for(const std::set<std::string>& hosts) const {
  mta_sts::Policy policy{stage_->mode, stage_->max_age_seconds, {}};
  if (stage_->mode == mta_sts::Mode::none) return policy;
  for (const std::string& host : hosts)
    if (auto pattern = mta_sts::MxPattern::parse(host)) policy.mx.push_back(std::move(*pattern));
  return policy;
}

void RoadMaker::decide_policy() {
  stage_ = s_.model.sts;
  // Leaving, and a domain whose policy was only struck from the model: while somebody holds one, "none" must be there.
  const bool out = s_.model.state == domains::State::leaving || s_.model.state == domains::State::parked || !stage_;
  const bool stays = s_.model.state != domains::State::leaving && s_.model.state != domains::State::parked;
  if (out) {
    stage_.reset();
    const bool is_held = stays ? is_bound_by_ours(s_.policies, s_.now) : s_.policies.held_until(s_.now).has_value();
    if (is_held) stage_ = domains::StsStage{mta_sts::Mode::none, leaving_max_age_seconds};
  }
  if (!stage_) return;
  // The MX list is defined once. Whatever a cache may still lead mail to stays permitted; but a host that the policy
  // in force keeps out is a stranger's, however it came into the MX: against that the policy was made (RFC 8461 1).
  std::set<std::string> hosts = wanted_hosts();
  std::set<std::string> seen = published_hosts();
  seen.merge(cached_hosts());
  const domains::PolicyEntry* const current = s_.policies.current();
  const bool is_guarded = current != nullptr && current->policy.mode != mta_sts::Mode::none;
  for (const std::string& host : seen)
    if (!is_guarded || current->policy.match(host) != nullptr) hosts.insert(host);
  policy_ = policy_for(hosts);
}

void RoadMaker::serve_policy() {
  if (!policy_) return;
  const domains::PolicyEntry* current = s_.policies.current();
  if (current != nullptr && current->policy == *policy_) return;
  Step& step = add("sts-policy", s_.model.sts_hosted_here ? StepKind::serve_policy : StepKind::by_others,
                   fmt::format("serve the MTA-STS policy: {}", explain(*policy_)),
                   s_.model.sts_hosted_here ? "the file first, its id in the DNS after it (RFC 8461 3.1)"
                                            : "whoever serves the policy file changes it; when posthorn domain check "
                                              "has read it, its id in the DNS follows",
                   s_.now);
  step.policy = policy_;
}

void RoadMaker::publish_sts_record() {
  // RFC 8461 3.1: the file first. Where others serve it, its id waits until a check has read the new one there.
  const domains::PolicyEntry* const current = s_.policies.current();
  if (policy_ && !s_.model.sts_hosted_here && (current == nullptr || current->policy != *policy_)) return;
  publish_purposes("sts-record", {domains::Purpose::sts_record}, "senders that see a new id fetch the policy anew");
}

// ---------------------------------------------------------------- the MX gate

/// T1: who follows RFC 8461 looks at the record with every delivery, so that the new id reaches him when the old one
/// has left his cache; and refreshes daily besides.
TimePoint RoadMaker::followers_know_at(std::string_view host) const {
  const dns::Name name = dns::Name::parse("_mta-sts." + s_.model.domain).value_or(domain_);
  const domains::PublishedSet* set = s_.published.find(name, dns::RecordType::txt);
  std::uint32_t ttl = std::max(domains::ttl_seconds_policy, set != nullptr ? set->ttl_seconds : 0U);
  TimePoint published = s_.now;
  const domains::PolicyEntry* current = s_.policies.current();
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (row.type != dns::RecordType::txt || row.name != name) continue;
    ttl = std::max(ttl, row.ttl_seconds);
    const auto record = mta_sts::parse_record(domains::txt_text(row.data));
    const bool tells = current != nullptr && record && record->id == current->id;
    if (tells && !row.removed && current->policy.match(host) != nullptr) published = row.published;
  }
  return published + std::chrono::seconds{ttl} + daily_refresh;
}

/// A policy is announced that nobody here has read: it may lack the host, and be held for the longest time there is.
void RoadMaker::gate(Step& step, const std::set<std::string>& added) const {
  const dns::Name sts = dns::Name::parse("_mta-sts." + s_.model.domain).value_or(domain_);
  const auto texts = s_.published.data(sts, dns::RecordType::txt);
  const bool is_announced = std::ranges::any_of(
      texts, [](const std::string& data) { return mta_sts::is_sts_record(domains::txt_text(data)); });
  if (is_announced && s_.policies.entries.empty() && !added.empty()) {
    step.earliest = s_.now + std::chrono::seconds{mta_sts::max_age_seconds_max};
    step.earliest_at_risk = followers_know_at(*added.begin());
    step.why = fmt::format(
        "an MTA-STS policy is announced that this server has not read: if it lacks {0}, senders refuse {0}, for a year "
        "at most. posthorn domain check {1} reads it, and the time is computed from it",
        listed(added), s_.model.domain);
    step.risk = fmt::format("until it is read nobody here knows who still refuses {}", listed(added));
    return;
  }
  for (const std::string& host : added) {
    const auto until = s_.policies.lacking_until(host, s_.now);
    if (!until) continue;
    const TimePoint followers = std::min(followers_know_at(host), *until);
    step.earliest = std::max(step.earliest, *until);
    step.earliest_at_risk = std::max(step.earliest_at_risk.value_or(s_.now), followers);
    step.why = fmt::format(
        "senders may hold an enforced policy without {} until {}: led there earlier, their mail waits "
        "and is then returned",
        host, rfc3339(*until));
    step.risk = fmt::format("between {} and {} senders that do not look at the id of _mta-sts still refuse {}",
                            rfc3339(*step.earliest_at_risk), rfc3339(step.earliest), host);
  }
}

void RoadMaker::change_mx() {
  if (is_parking()) return;  // close_mx()
  std::vector<RecordChange> changes, blocked;
  for (const domains::WantedRecord& record : out_.wanted.records) {
    if (record.purpose != domains::Purpose::mx) continue;
    auto its = changes_of(record);
    auto& to = s_.model.state == domains::State::leaving && !override_leaving_ ? out_.blocked : changes;
    to.insert(to.end(), its.begin(), its.end());
  }
  if (changes.empty()) return;
  const auto before = published_hosts();
  const auto after = wanted_hosts();
  Step step{.id = "mx",
            .kind = StepKind::publish,
            .what = mx_words(before, after),
            .why = after.empty() ? "senders learn at once that no mail is taken"
                                 : "addresses, keys and policy stand, so mail may come",
            .earliest = s_.now,
            .earliest_at_risk = {},
            .risk = {},
            .changes = std::move(changes),
            .policy = {},
            .state = {}};
  gate(step, without(after, before));
  const auto removed = without(before, after);
  out_.steps.push_back(step);
  if (!removed.empty()) after_mx(step, removed);
}

/// RFC 8461 and caches: who has the old MX set goes on to the old hosts until its TTL is over, and must find them both
/// running and permitted.
void RoadMaker::after_mx(const Step& step, const std::set<std::string>& removed) {
  std::uint32_t ttl = 0;
  for (const RecordChange& change : step.changes)
    if (!change.add) ttl = std::max(ttl, change.ttl_seconds);
  const TimePoint drained = step.earliest + std::chrono::seconds{ttl};
  add("mx-drain", StepKind::wait, fmt::format("keep {} running until then", listed(removed)),
      "caches hold the old MX records for their TTL", drained);
  if (!stage_ || stage_->mode == mta_sts::Mode::none) return;
  const mta_sts::Policy last = policy_for(wanted_hosts());
  if (policy_ && last == *policy_) return;
  Step& trim = add("sts-policy-trim", s_.model.sts_hosted_here ? StepKind::serve_policy : StepKind::by_others,
                   fmt::format("serve the MTA-STS policy: {}", explain(last)),
                   "nobody is led to the old hosts any more", drained);
  trim.policy = last;
  add("sts-record-trim", StepKind::publish,
      fmt::format("publish _mta-sts with the id {}", mta_sts::policy_id(mta_sts::policy_text(last))),
      "the file first, its id after it", drained);
}

// ---------------------------------------------------------------- leaving

std::vector<RecordChange> RoadMaker::sts_removals() const {
  std::vector<RecordChange> out;
  const auto take = [&](std::string_view prefix, dns::RecordType type, auto is_ours) {
    const auto name = dns::Name::parse(fmt::format("{}.{}", prefix, s_.model.domain));
    const domains::PublishedSet* set = name ? s_.published.find(*name, type) : nullptr;
    if (set == nullptr || !set->alias_of.empty()) return;
    for (const std::string& data : set->data)
      if (is_ours(data) || s_.ledger.owns(*name, type, data))
        out.push_back({false, *name, type, data, set->ttl_seconds});
  };
  // The record before the host: who sees the record must find the file.
  take("_mta-sts", dns::RecordType::txt,
       [](const std::string& data) { return mta_sts::is_sts_record(domains::txt_text(data)); });
  take("mta-sts", dns::RecordType::cname,
       [&](const std::string& data) { return !s_.around.host_name.empty() && data == s_.around.host_name + "."; });
  return out;
}

bool RoadMaker::is_parking() const {
  return s_.model.state == domains::State::leaving && s_.model.leaving_to == domains::State::parked;
}

/// When what caches hold of the domain's MX and of its policy's id, as they stood when it began to leave or have been
/// taken away since, has run off.
TimePoint RoadMaker::caches_free_at() const {
  const dns::Name sts = dns::Name::parse("_mta-sts." + s_.model.domain).value_or(domain_);
  const auto is_held = [&](const dns::Name& name, dns::RecordType type) {
    return (type == dns::RecordType::mx && name == domain_) || (type == dns::RecordType::txt && name == sts);
  };
  std::uint32_t ttl = 0;
  for (const auto& [question, set] : s_.published.all())
    if (is_held(question.name, question.type) && !set.data.empty()) ttl = std::max(ttl, set.ttl_seconds);
  TimePoint free = s_.now;
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (!is_held(row.name, row.type)) continue;
    if (const auto until = row.cached_until()) free = std::max(free, *until);
    if (!row.removed) ttl = std::max(ttl, row.ttl_seconds);
  }
  return std::max(free, s_.model.leaving_since + std::chrono::seconds{ttl});
}

/// RFC 7505: the null MX tells those who ask. Who holds the old MX records comes to the old hosts for their TTL, and is
/// served: only then the domain refuses its mail.
TimePoint RoadMaker::close_mx(TimePoint from) {
  const auto hosts = published_hosts();
  TimePoint free = from;
  if (!hosts.empty()) {
    const domains::PublishedSet* const set = s_.published.find(domain_, dns::RecordType::mx);
    Step& step = add("mx", StepKind::publish, mx_words(hosts, {}), "senders learn at once that no mail is taken", from);
    step.changes.push_back({true, domain_, dns::RecordType::mx, "0 .", domains::ttl_seconds_mail});
    for (const std::string& data : set->data)
      if (!host_of(data).empty()) step.changes.push_back({false, domain_, dns::RecordType::mx, data, set->ttl_seconds});
    // While they are seen nothing has run off, whatever their TTL.
    free = from + std::chrono::seconds{std::max(set->ttl_seconds, 1U)};
  }
  for (const domains::LedgerRow& row : s_.ledger.rows) {
    if (row.type != dns::RecordType::mx || row.name != domain_ || host_of(row.data).empty()) continue;
    free = std::max(free, row.cached_until().value_or(from + std::chrono::seconds{row.ttl_seconds}));
  }
  if (free > from)
    add("mx-drain", StepKind::wait, fmt::format("take the domain's mail until {}", rfc3339(free)),
        "caches hold the old MX records for their TTL", free);
  return free;
}

void RoadMaker::leave() {
  const auto held = s_.policies.held_until(s_.now);
  const TimePoint free = held.value_or(s_.now);
  if (held) {
    add("leave-countdown", StepKind::wait, fmt::format("serve mode none until {}", rfc3339(free)),
        "until then somebody may hold one of the policies that were served: other changes to the domain's DNS wait",
        free);
  }
  // While nobody is left who holds one, the record and the host go.
  auto removals = sts_removals();
  if (held || !removals.empty()) {
    Step& step = add("leave-withdraw", StepKind::withdraw, "remove the _mta-sts record and the mta-sts host",
                     "nobody holds a policy any more (RFC 8461 8.3)", free);
    step.changes = std::move(removals);
  }
  TimePoint drained = free;
  if (s_.model.leaving_to == domains::State::parked && s_.queued > 0) {
    drained = std::max(drained, s_.now + std::chrono::seconds{s_.around.queue_age_seconds_max});
    add("queue-drain", StepKind::wait, fmt::format("let the queue drain: {} of the domain's messages wait", s_.queued),
        "they are delivered or returned by then at the latest", drained);
  }
  if (is_parking()) {
    drained = close_mx(drained);
  } else if (const TimePoint forgotten = caches_free_at(); forgotten > drained) {
    drained = forgotten;
    add("caches-drain", StepKind::wait,
        fmt::format("keep the domain's mail and policy as they are until {}", rfc3339(drained)),
        "caches hold its MX records and the id of its policy for their TTL", drained);
  }
  Step& step = add("state", StepKind::set_state, fmt::format("the domain is {}", text(s_.model.leaving_to)),
                   "nothing holds it back any more", drained);
  step.state = s_.model.leaving_to;
}

}  // namespace posthorn::transition
