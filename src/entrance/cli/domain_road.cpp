// A road, as JSON and as a person reads it.
#include <boost/json.hpp>

#include "entrance/cli/domain_life.h"
#include "foundation/text/ascii.h"
#include "operations/domains/policy_log.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
using transition::Standing;

json::object change_json(const transition::RecordChange& change) {
  return {{"change", change.add ? "add" : "remove"},
          {"name", change.name.text()},
          {"type", dns::text(change.type)},
          {"data", change.data},
          {"ttl", change.ttl_seconds}};
}

json::object policy_json(const mta_sts::Policy& policy) {
  json::array mx;
  for (const mta_sts::MxPattern& pattern : policy.mx) mx.emplace_back(pattern.text());
  const std::string text = mta_sts::policy_text(policy);
  return {{"mode", mta_sts::text(policy.mode)},
          {"max_age", policy.max_age_seconds},
          {"mx", std::move(mx)},
          {"id", mta_sts::policy_id(text)},
          {"text", text}};
}

json::object step_json(const transition::Step& step, TimePoint now) {
  json::array changes;
  for (const transition::RecordChange& change : step.changes) changes.emplace_back(change_json(change));
  json::object out{{"id", step.id},
                   {"kind", transition::text(step.kind)},
                   {"what", step.what},
                   {"why", step.why},
                   {"earliest", rfc3339(step.earliest)},
                   {"due", step.is_due(now, false)},
                   {"changes", std::move(changes)}};
  if (step.earliest_at_risk && *step.earliest_at_risk < step.earliest) {
    out["earliest_at_risk"] = rfc3339(*step.earliest_at_risk);
    out["risk"] = step.risk;
  }
  if (step.policy) out["policy"] = policy_json(*step.policy);
  if (step.state) out["state"] = domains::text(*step.state);
  return out;
}

json::object record_json(const domains::WantedRecord& record, const domains::PublishedRecords& published) {
  json::array replaces, present;
  for (const std::string& data : record.replaces) replaces.emplace_back(data);
  for (const std::string& data : published.data(record.name, record.type)) present.emplace_back(data);
  const domains::PublishedSet* set = published.find(record.name, record.type);
  json::object out{{"name", record.name.text()},
                   {"type", dns::text(record.type)},
                   {"ttl", record.ttl_seconds},
                   {"data", record.waited_for() ? json::value(nullptr) : json::value(record.data)},
                   {"purpose", domains::text(record.purpose)},
                   {"reason", record.reason},
                   {"owner", domains::text(record.owner)},
                   {"standing", transition::text(transition::standing(record, published))},
                   {"replaces", std::move(replaces)},
                   {"published", std::move(present)}};
  if (set != nullptr && !set->data.empty()) out["published_ttl"] = set->ttl_seconds;
  return out;
}

std::string_view sign_of(Standing standing) {
  switch (standing) {
    case Standing::same:
      return "=";
    case Standing::ttl_differs:
      return "t";
    case Standing::differs:
      return "~";
    case Standing::missing:
      return "+";
    case Standing::unknown:
      return "?";
    case Standing::waited_for:
    case Standing::by_others:
      break;
  }
  return "…";
}

/// Long keys are cut: they are copied from --format zone, not from here.
std::string record_data_shown(std::string_view data) {
  constexpr std::size_t shown_octets_max = 100;
  return text::printable(data, shown_octets_max);
}

std::string record_text(const domains::WantedRecord& record, const domains::PublishedRecords& published) {
  const Standing standing = transition::standing(record, published);
  std::string out =
      fmt::format("  {} {:<5} {:<40} {:>5}  {}\n", sign_of(standing), dns::text(record.type), record.name.text(),
                  record.ttl_seconds, record.waited_for() ? "(waited for)" : record_data_shown(record.data));
  for (const std::string& data : record.replaces)
    out += fmt::format("  - {:<5} {:<40} {:>5}  {}\n", dns::text(record.type), record.name.text(), "",
                       record_data_shown(data));
  if (standing == Standing::ttl_differs)
    out += fmt::format("      published with TTL {}\n", published.find(record.name, record.type)->ttl_seconds);
  if (standing != Standing::same && standing != Standing::ttl_differs) out += fmt::format("      {}\n", record.reason);
  return out;
}

}  // namespace

json::array steps_json(const transition::Road& road, TimePoint now) {
  json::array out;
  for (const transition::Step& step : road.steps) out.emplace_back(step_json(step, now));
  return out;
}

json::object road_json(const transition::Situation& situation, const transition::Road& road) {
  json::array records, foreign, blocked, findings;
  for (const domains::WantedRecord& record : road.wanted.records)
    records.emplace_back(record_json(record, situation.published));
  for (const transition::Foreign& record : road.foreign)
    foreign.emplace_back(
        json::object{{"name", record.name.text()}, {"type", dns::text(record.type)}, {"data", record.data}});
  for (const transition::RecordChange& change : road.blocked) blocked.emplace_back(change_json(change));
  for (const Finding& finding : road.wanted.findings)
    findings.emplace_back(json::object{
        {"id", finding.id},
        {"level", word(finding.level)},
        {"name", situation.model.domain},
        {"reason", finding.reason},
        {"wanted", nullptr},
        {"authoritative", json::array()},
        {"cached", nullptr},
        {"correction", finding.correction.empty() ? json::value(nullptr) : json::value(finding.correction)}});
  return {{"domain", situation.model.domain},
          {"state", domains::text(situation.model.state)},
          {"profile", domains::text(situation.model.profile)},
          {"now", rfc3339(situation.now)},
          {"records", std::move(records)},
          {"foreign", std::move(foreign)},
          {"steps", steps_json(road, situation.now)},
          {"blocked", std::move(blocked)},
          {"findings", std::move(findings)},
          {"problem", road.problem.empty() ? json::value(nullptr) : json::value(road.problem)}};
}

std::string when_text(TimePoint at, TimePoint now) {
  if (at <= now) return "now";
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(at - now).count();
  const std::string span = minutes < 120       ? fmt::format("{} minutes", minutes + 1)
                           : minutes < 48 * 60 ? fmt::format("{} hours", minutes / 60)
                                               : fmt::format("{} days", minutes / (24 * 60));
  return fmt::format("{} (in {})", rfc3339(at), span);
}

std::string steps_text(const transition::Road& road, TimePoint now) {
  std::string out;
  std::size_t number = 0;
  for (const transition::Step& step : road.steps) {
    const std::string who =
        step.kind == transition::StepKind::by_others ? "others must act" : when_text(step.earliest, now);
    out += fmt::format("  {}. {}: {}\n     {}\n", ++number, who, text::printable(step.what, 400), step.why);
    if (step.earliest_at_risk && *step.earliest_at_risk < step.earliest)
      out += fmt::format("     Not before {}. {}\n", rfc3339(*step.earliest_at_risk), step.risk);
  }
  return out;
}

std::string road_text(const transition::Situation& situation, const transition::Road& road) {
  std::string out = headline(situation.model) + "\n\n";
  for (const domains::WantedRecord& record : road.wanted.records) out += record_text(record, situation.published);
  for (const transition::Foreign& record : road.foreign)
    out += fmt::format("  k {:<5} {:<40} {:>5}  {}\n", dns::text(record.type), record.name.text(), "",
                       record_data_shown(record.data));
  out +=
      "\n  = published   + to publish   ~ to change   - what it replaces   t another TTL\n"
      "  … others must act or a value is waited for   k not ours, kept   ? could not be asked\n";
  for (const Finding& finding : road.wanted.findings)
    out += fmt::format("\n  {} {}: {}\n", word(finding.level), finding.id, finding.reason);
  if (!road.blocked.empty())
    out += fmt::format("\n  The domain is leaving: {} further changes wait until it has left.\n", road.blocked.size());
  if (!road.problem.empty()) out += fmt::format("\n  Not known: {}\n", road.problem);
  if (road.steps.empty()) return out + (road.problem.empty() ? "\nNothing is to be done.\n" : "");
  return out + "\nSteps, in this order:\n" + steps_text(road, situation.now);
}

}  // namespace posthorn::cli
