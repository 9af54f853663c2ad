#include "entrance/cli/transport_json.h"

#include <fmt/format.h>

#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

json::object certificate_json(const inspection::CertificateVerdict& certificate) {
  return {{"valid", certificate.is_good()},
          {"names", json_texts(certificate.names)},
          {"issuer", json_text(certificate.issuer)},
          {"key_type", certificate.key_type},
          {"not_before", rfc3339(certificate.not_before)},
          {"not_after", rfc3339(certificate.not_after)},
          {"fits_name", certificate.fits_name},
          {"expired", certificate.expired},
          {"trusted", certificate.not_trusted.empty()},
          {"problem", json_text(certificate.problem)}};
}

json::object visit_json(const inspection::AddressProbe& visit) {
  json::object out{{"address", visit.address.text()}, {"connected", visit.connected},
                   {"starttls", visit.starttls},      {"encrypted", visit.encrypted},
                   {"requiretls", visit.requiretls},  {"greeting", json_text(visit.greeting)},
                   {"tls", json_text(visit.tls)},     {"problem", json_text(visit.problem)}};
  out["certificate"] = visit.certificate ? json::value(certificate_json(*visit.certificate)) : nullptr;
  if (!visit.dane) {
    out["dane"] = nullptr;
    return out;
  }
  out["dane"] = json::object{{"result", dane::text(visit.dane->match)},
                             {"usage", visit.dane->usage < 0 ? json::value(nullptr) : json::value(visit.dane->usage)},
                             {"depth", visit.dane->depth < 0 ? json::value(nullptr) : json::value(visit.dane->depth)},
                             {"reason", json_text(visit.dane->reason)}};
  return out;
}

std::string explain(const inspection::AddressProbe& visit) {
  std::string out = fmt::format("    {}: ", visit.address.text());
  if (!visit.connected) return out + (visit.problem.empty() ? "not connected to" : visit.problem) + "\n";
  out += visit.encrypted ? visit.tls : visit.starttls ? "STARTTLS fails" : "no STARTTLS";
  if (visit.certificate)
    out += visit.certificate->is_good()
               ? fmt::format(", certificate good until {}", rfc3339(visit.certificate->not_after))
               : fmt::format(", {}", text::printable(visit.certificate->problem));
  if (visit.dane) out += fmt::format(", DANE {}: {}", dane::text(visit.dane->match), visit.dane->reason);
  if (visit.requiretls) out += ", REQUIRETLS";
  if (!visit.problem.empty()) out += fmt::format(" ({})", visit.problem);
  return out + "\n";
}

}  // namespace

json::object mx_json(std::uint16_t preference, const inspection::MxProbe& probe) {
  json::array addresses, records, probes;
  for (const IpAddress& address : probe.addresses) addresses.emplace_back(address.text());
  for (const dns::Tlsa& record : probe.tlsa.records) records.emplace_back(dane::text(record));
  for (const inspection::AddressProbe& visit : probe.probes) probes.emplace_back(visit_json(visit));
  return {{"preference", preference},
          {"host", probe.host.text()},
          {"addresses", std::move(addresses)},
          {"status", dns::text(probe.addresses_status)},
          {"secure", probe.addresses_secure},
          {"alias", probe.is_alias},
          {"tlsa", json::object{{"state", dane::text(probe.tlsa.state)},
                                {"base", probe.tlsa.base.text()},
                                {"records", std::move(records)},
                                {"reason", json_text(probe.tlsa.reason)}}},
          {"probes", std::move(probes)},
          {"answers", json_answers(probe.answers)}};
}

std::string explain(std::uint16_t preference, const inspection::MxProbe& probe) {
  std::string out = fmt::format("  {} {}\n", preference, probe.host.text());
  if (probe.addresses.empty()) out += fmt::format("    no address: {}\n", dns::text(probe.addresses_status));
  for (const inspection::AddressProbe& visit : probe.probes) out += explain(visit);
  out += fmt::format("    TLSA: {}\n", text::printable(probe.tlsa.reason, 400));
  for (const dns::Tlsa& record : probe.tlsa.records) out += fmt::format("      {}\n", dane::text(record));
  return out;
}

json::object record_json(const mta_sts::TxtRecord& record) {
  return {{"v", "STSv1"}, {"id", record.id}};
}

json::object record_json(const tls_rpt::Record& record) {
  return {{"v", "TLSRPTv1"}, {"rua", json_texts(record.rua)}};
}

std::string explain(const tls_rpt::Record& record) {
  std::string out;
  for (const std::string& uri : record.rua) out += fmt::format("  Reports to {}\n", text::printable(uri));
  return out;
}

json::object policy_record_json(const mta_sts::PolicyReview& review) {
  if (!review.valid) return {{"valid", false}, {"mode", nullptr}, {"max_age", nullptr}, {"mx", json::array{}}};
  json::array mx;
  for (const mta_sts::MxPattern& pattern : review.policy.mx) mx.emplace_back(pattern.text());
  return {{"valid", true},
          {"mode", mta_sts::text(review.policy.mode)},
          {"max_age", review.policy.max_age_seconds},
          {"mx", std::move(mx)}};
}

std::string explain(const mta_sts::Policy& policy) {
  std::string out = fmt::format("  mode {}, kept for {} seconds\n", mta_sts::text(policy.mode), policy.max_age_seconds);
  for (const mta_sts::MxPattern& pattern : policy.mx) out += fmt::format("  mx {}\n", pattern.text());
  return out;
}

json::object policy_json(const inspection::PolicyProbe& probe) {
  const bool found = probe.record.state == mta_sts::RecordState::found;
  json::object record{{"state", dns::text(probe.record.state)},
                      {"id", found ? json::value(probe.record.record.id) : json::value(nullptr)},
                      {"texts", json_texts(probe.record.texts)},
                      {"reason", json_text(probe.record.reason)},
                      {"answers", json_answers(probe.record.answers)}};
  json::object out{{"domain", probe.domain.text()},
                   {"valid", found && probe.fetch && probe.fetch->is_usable()},
                   {"record", std::move(record)},
                   {"policy", nullptr}};
  if (!probe.fetch) return out;
  const inspection::PolicyFetch& fetch = *probe.fetch;
  json::object policy{{"url", fetch.url},
                      {"status", fetch.status == 0 ? json::value(nullptr) : json::value(fetch.status)},
                      {"content_type", json_text(fetch.content_type)},
                      {"location", json_text(fetch.location)},
                      {"failure", fetch.failure ? json::value(https::text(fetch.failure->kind)) : nullptr},
                      {"reason", fetch.failure ? json_text(fetch.failure->reason) : json::string{}},
                      {"id_of_file", fetch.is_usable() ? json::value(mta_sts::policy_id(fetch.body)) : nullptr}};
  for (auto& member : policy_record_json(fetch.review)) policy[member.key()] = member.value();
  json::array lines;
  if (fetch.status == 200)
    for (const std::string_view line : text::split(std::string_view(fetch.body).substr(0, 4096), '\n'))
      if (!text::trim_lines(line).empty()) lines.emplace_back(json_text(text::trim_lines(line)));
  policy["lines"] = std::move(lines);
  out["policy"] = std::move(policy);
  return out;
}

std::string explain(const inspection::PolicyProbe& probe) {
  const std::string domain = probe.domain.text();
  if (probe.record.state != mta_sts::RecordState::found && !probe.fetch)
    return fmt::format("{}: {}\n", domain, probe.record.reason);
  std::string out = probe.record.state == mta_sts::RecordState::found
                        ? fmt::format("MTA-STS of {}: id {}\n", domain, probe.record.record.id)
                        : fmt::format("MTA-STS of {}: {}\n", domain, text::printable(probe.record.reason, 400));
  const inspection::PolicyFetch& fetch = *probe.fetch;
  out +=
      fmt::format("  {}: {}\n", fetch.url,
                  fetch.failure ? text::printable(fetch.failure->reason, 400) : fmt::format("status {}", fetch.status));
  if (fetch.is_usable()) out += explain(fetch.review.policy);
  return out;
}

}  // namespace posthorn::cli
