#include "entrance/cli/check_text.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "entrance/cli/transport_json.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "foundation/text/shown.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
using inspection::CheckReport;

json::value time_or_null(const std::optional<TimePoint>& time) {
  return time ? json::value(rfc3339(*time)) : json::value(nullptr);
}

json::array said_json(const std::vector<inspection::SaidByServer>& said) {
  json::array out;
  for (const inspection::SaidByServer& one : said)
    out.emplace_back(json::object{{"server", one.server},
                                  {"answer", json_text(one.answer)},
                                  {"ttl", one.ttl_seconds},
                                  {"serial", one.serial ? json::value(*one.serial) : json::value(nullptr)}});
  return out;
}

json::object finding_json(const inspection::CheckFinding& found) {
  return {{"id", found.finding.id},
          {"level", word(found.finding.level)},
          {"name", found.name},
          {"reason", json_text(found.finding.reason)},
          {"wanted", text_or_null(found.wanted)},
          {"authoritative", said_json(found.authoritative)},
          {"cached", found.cached ? json::value(json_text(*found.cached)) : json::value(nullptr)},
          {"old_until", time_or_null(found.old_until)},
          {"correction", text_or_null(found.finding.correction)}};
}

json::object record_row_json(const inspection::CheckedRecord& row) {
  json::array wanted;
  for (const std::string& one : row.wanted) wanted.emplace_back(json_text(one));
  return {{"name", row.name},
          {"type", row.type},
          {"wanted", std::move(wanted)},
          {"authoritative", said_json(row.authoritative)},
          {"cached", row.cached ? json::value(json_text(*row.cached)) : json::value(nullptr)},
          {"cached_seconds", row.cached_seconds ? json::value(*row.cached_seconds) : json::value(nullptr)},
          {"disagree", row.disagree},
          {"old_until", time_or_null(row.old_until)}};
}

json::array servers_json(const CheckReport& report) {
  json::array servers;
  for (const inspection::CheckedServer& server : report.zone.servers)
    servers.emplace_back(json::object{{"server", server.name},
                                      {"state", inspection::text(server.state)},
                                      {"serial", server.serial ? json::value(*server.serial) : json::value(nullptr)},
                                      {"problem", text_or_null(server.problem)}});
  return servers;
}

json::object questions_json(const CheckReport& report) {
  json::array asked;
  for (const inspection::AskedCount& count : report.asked)
    asked.emplace_back(json::object{{"server", count.server}, {"questions", count.questions}});
  return {{"allowed", report.questions_allowed}, {"servers", std::move(asked)}};
}

// ---------------------------------------------------------------- words

std::string ending_for(std::size_t count) {
  return count == 1 ? "" : "s";
}

/// The answer that most servers give.
std::string usual_answer(const std::vector<inspection::SaidByServer>& said) {
  std::map<std::string, std::size_t> counts;
  for (const inspection::SaidByServer& one : said) ++counts[one.answer];
  const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  return most == counts.end() ? std::string{} : most->first;
}

/// wanted, each server, cache: one under the other, so that they can be compared.
std::string sides(std::string_view wanted, const std::vector<inspection::SaidByServer>& said,
                  const std::optional<std::string>& cached, const std::optional<TimePoint>& old_until) {
  std::string out;
  if (!wanted.empty()) out += fmt::format("      {:<34} {}\n", "wanted", shown(wanted));
  const std::string usual = usual_answer(said);
  for (const inspection::SaidByServer& one : said)
    out += fmt::format("      {:<34} {}  [TTL {} s{}]{}\n", one.server, shown(one.answer), one.ttl_seconds,
                       one.serial ? fmt::format(", serial {}", *one.serial) : std::string{},
                       one.answer == usual ? "" : "  <- differs");
  if (cached)
    out += fmt::format("      {:<34} {}{}\n", "cache", shown(*cached),
                       old_until ? fmt::format("  <- old, until {}", rfc3339(*old_until)) : std::string{});
  return out;
}

std::string finding_text(const inspection::CheckFinding& found) {
  std::string out = fmt::format("\n  {:<8} {}  {}\n    {}\n", word(found.finding.level), found.finding.id, found.name,
                                shown(found.finding.reason));
  out += sides(found.wanted, found.authoritative, found.cached, found.old_until);
  if (found.finding.correction.empty()) return out;
  // A line to publish begins with its name and holds a class; anything else is advice.
  const bool is_line = found.finding.correction.contains(" IN ");
  return out + fmt::format("    {}: {}\n", is_line ? "publish" : "to do", shown(found.finding.correction));
}

/// One line: what mail meets there.
std::string host_state(const inspection::MxProbe& probe) {
  if (probe.addresses.empty()) return "no address";
  std::optional<TimePoint> ends;
  for (const inspection::AddressProbe& visit : probe.probes) {
    const std::string where = visit.address.text() + ": ";
    if (!visit.encrypted && !visit.problem.empty()) return where + shown(visit.problem);
    if (!visit.encrypted) return where + "no STARTTLS";
    if (!visit.certificate) return where + "no certificate";
    if (!visit.certificate->is_good()) return where + shown(visit.certificate->problem);
    ends = std::min(ends.value_or(TimePoint::max()), visit.certificate->not_after);
  }
  return ends ? fmt::format("answers with TLS, certificate good until {}", rfc3339(*ends)) : "not connected to";
}

std::string policy_state(const inspection::PolicyProbe& probe) {
  if (probe.record.state != mta_sts::RecordState::found) return "none";
  if (!probe.fetch) return "announced; the policy was not fetched";
  if (!probe.fetch->is_usable()) return "announced; senders cannot use the policy";
  const mta_sts::Policy& policy = probe.fetch->review.policy;
  return fmt::format("mode {}, max_age {}", mta_sts::text(policy.mode), policy.max_age_seconds);
}

/// What was looked at, so that nobody takes silence for a good word.
std::string looked_at_text(const CheckReport& report) {
  std::string out;
  for (const auto& [preference, probe] : report.mx)
    out += fmt::format("  MX {} {}: {}\n", preference, probe.host.text(), host_state(probe));
  if (report.spf_lookups > 0) out += fmt::format("  SPF: {} of 10 lookups\n", report.spf_lookups);
  if (report.policy) out += fmt::format("  MTA-STS: {}\n", policy_state(*report.policy));
  return out;
}

std::string records_text(const CheckReport& report) {
  std::string out = "\n  records\n";
  for (const inspection::CheckedRecord& row : report.records)
    out += fmt::format(
        "    {} {}\n{}", row.name, row.type,
        sides(fmt::format("{}", fmt::join(row.wanted, "; ")), row.authoritative, row.cached, row.old_until));
  return out;
}

/// RFC 1035 5.1: \DDD. Only octets above ASCII are put back; "\\" stays as it is.
std::string with_octets(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\\\\")) {
      out += "\\\\";
      ++i;
      continue;
    }
    const auto value = rest.starts_with('\\') ? text::parse_number(rest.substr(1, 3)) : std::nullopt;
    if (value && rest.size() > 3 && *value >= 0x80 && *value <= 0xff) {
      out += static_cast<char>(*value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string shown(std::string_view text, std::size_t octets_max) {
  return text::shown(with_octets(text), octets_max);
}

std::string count_text(const CheckReport& report) {
  std::size_t errors = 0, warnings = 0;
  for (const inspection::CheckFinding& found : report.findings) {
    errors += found.finding.level == FindingLevel::error ? 1 : 0;
    warnings += found.finding.level == FindingLevel::warning ? 1 : 0;
  }
  if (errors + warnings == 0) return "all well";
  return fmt::format("{} error{}, {} warning{}", errors, ending_for(errors), warnings, ending_for(warnings));
}

json::object report_json(const CheckReport& report) {
  json::array records, findings, tree, hosts;
  for (const inspection::CheckedRecord& row : report.records) records.emplace_back(record_row_json(row));
  for (const inspection::CheckFinding& found : report.findings) findings.emplace_back(finding_json(found));
  for (const std::string& line : report.spf_tree) tree.emplace_back(json_text(line));
  for (const auto& [preference, probe] : report.mx) hosts.emplace_back(mx_json(preference, probe));
  return {{"domain", report.domain.text()},
          {"kind", inspection::text(report.kind)},
          {"state", text_or_null(report.state)},
          {"checked_at", rfc3339(report.checked_at)},
          {"zone", report.zone.zone.text()},
          {"servers", servers_json(report)},
          {"dnssec", text_or_null(report.dnssec)},
          {"signature_expires", time_or_null(report.signature_expires)},
          {"spf",
           json::object{
               {"lookups", report.spf_lookups}, {"void_lookups", report.spf_void_lookups}, {"tree", std::move(tree)}}},
          {"mx", std::move(hosts)},
          {"mta_sts", report.policy ? json::value(policy_json(*report.policy)) : json::value(nullptr)},
          {"records", std::move(records)},
          {"findings", std::move(findings)},
          {"questions", report.questions},
          {"budget", questions_json(report)},
          {"problem", text_or_null(report.problem)}};
}

std::string report_text(const CheckReport& report, bool all_records) {
  std::string out = fmt::format("{}: {}\n", report.domain.text(), count_text(report));
  for (const inspection::CheckedServer& server : report.zone.servers)
    out += fmt::format("  {:<44} {}{}\n", server.name, inspection::text(server.state),
                       server.serial ? fmt::format(", serial {}", *server.serial) : std::string{});
  if (!report.dnssec.empty())
    out += fmt::format("  DNSSEC: {}{}\n", report.dnssec,
                       report.signature_expires
                           ? fmt::format(", signatures hold until {}", rfc3339(*report.signature_expires))
                           : std::string{});
  out += looked_at_text(report);
  for (const inspection::CheckFinding& found : report.findings) out += finding_text(found);
  if (all_records) out += records_text(report);
  return out;
}

}  // namespace posthorn::cli
