// check mta-sts|tls-rpt|dane|mx, dane check, mta-sts check: what protects mail on its way to a domain.
#include <algorithm>

#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/transport_json.h"
#include "entrance/cli/trust_json.h"
#include "entrance/cli/trust_text.h"
#include "entrance/server/prober.h"
#include "foundation/text/ascii.h"
#include "operations/inspection/mx_probe.h"
#include "operations/inspection/mx_set.h"
#include "operations/inspection/policy_probe.h"
#include "standards/address/domain.h"
#include "standards/tls_rpt/record.h"

namespace posthorn::cli {
namespace transport_noun {
namespace {

namespace json = boost::json;
using server::Prober;

constexpr std::size_t ca_octets_max = 4 * MiB;
constexpr std::size_t mx_hosts_max = 20;  // ours: how many hosts of a domain are visited

void add(Findings& findings, const Findings& more) {
  findings.insert(findings.end(), more.begin(), more.end());
}

bool has_error(const Findings& findings) {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.level == FindingLevel::error; });
}

void print_findings(const Findings& findings) {
  if (!findings.empty()) print("\n" + explain(findings));
}

/// What the probes go by: --config's, else the defaults (nothing private, the machine's CAs).
Result<config::Config, Exit> settings_of(const Invocation& v) {
  if (!names_config(v)) return config::Config{};
  return load_config(v);
}

// ---------------------------------------------------------------- check mx

struct MxAnswer {
  std::optional<dns::MxLookup> mx;
  std::vector<std::pair<std::uint16_t, inspection::MxProbe>> hosts;
  std::optional<inspection::PolicyProbe> policy;
  std::optional<Problem> problem;
};

std::vector<dns::Mx> hosts_of(const dns::MxLookup& mx, const dns::Name& domain) {
  if (!mx.hosts.empty() || mx.null_mx || mx.status() == dns::Status::nx_domain) return mx.hosts;
  return {dns::Mx{0, domain}};  // RFC 5321 5.1: the implicit MX
}

Task<> visit_hosts(Prober& prober, dns::Name domain, TimePoint now, MxAnswer& out) {
  const bool secure = out.mx->answer.secure();
  for (const dns::Mx& host : hosts_of(*out.mx, domain)) {
    if (out.hosts.size() == mx_hosts_max) co_return;
    const inspection::ProbeSurroundings with = prober.surroundings();
    out.hosts.emplace_back(host.preference,
                           co_await inspection::probe_mx(with, prober.options(), host.exchange, secure, now));
  }
}

Task<> ask_mx(dns::Resolver& resolver, const config::Config& config, dns::Name domain, TimePoint now, MxAnswer& out) {
  out.mx = co_await dns::lookup_mx(resolver, domain);
  if (!dns::is_definite(out.mx->status())) co_return;
  auto prober = Prober::make(config, resolver, co_await runtime::current_executor());
  if (!prober) {
    out.problem = std::move(prober.error());
    co_return;
  }
  co_await visit_hosts(**prober, domain, now, out);
}

/// Hosts that say nothing, as the others show whether it is they or the way to them.
Findings silences(const MxAnswer& answer, std::uint16_t port) {
  inspection::Reached reached;
  for (const auto& [preference, probe] : answer.hosts) reached.note(probe);
  Findings out;
  for (const auto& [preference, probe] : answer.hosts)
    if (auto silent = inspection::silence_of(probe, reached, port)) out.push_back(std::move(silent->finding));
  return out;
}

Exit unreachable_dns(const dns::Answer& answer) {
  return report({ProblemKind::unavailable, fmt::format("{} {}", answer.question().text(), dns::text(answer.type())),
                 answer.reason().empty() ? std::string(dns::text(answer.status()))
                                         : fmt::format("{}: {}", dns::text(answer.status()), answer.reason()),
                 "ask another server with --dns, or try again later"});
}

struct AskedDomain {
  dns::Name domain;
  std::uint16_t mx_port;
  MxAnswer answer;
};
using HowToAsk = Task<> (*)(dns::Resolver& resolver, const config::Config& config, dns::Name domain, TimePoint now,
                            MxAnswer& out);

Result<AskedDomain, Exit> ask_about_domain(const Invocation& v, HowToAsk how) {
  const auto domain = name_of(v, "DOMAIN");
  if (!domain) return fail(report(domain.error()));
  const auto now = now_of(v);
  if (!now) return fail(report(now.error()));
  const auto config = settings_of(v);
  if (!config) return fail(config.error());
  AskedDomain out{*domain, config->relay.mx_port, {}};
  const auto problem =
      ask(v, [&](dns::Resolver& resolver) { return how(resolver, *config, *domain, *now, out.answer); });
  if (problem) return fail(report(*problem));
  if (out.answer.problem) return fail(report(*out.answer.problem));
  return out;
}

Exit check_mx(const Invocation& v) {
  const auto asked = ask_about_domain(v, ask_mx);
  if (!asked) return asked.error();
  const auto& [domain, mx_port, answer] = *asked;
  if (!dns::is_definite(answer.mx->status())) return unreachable_dns(answer.mx->answer);
  Findings findings = inspection::judge_mx_set(answer.mx->answer, domain).findings;
  json::array hosts;
  std::string told = answer.mx->null_mx ? fmt::format("{} takes no mail (null MX)\n", domain.text()) : std::string{};
  for (const auto& [preference, probe] : answer.hosts) {
    add(findings, inspection::findings_of(probe));
    hosts.emplace_back(mx_json(preference, probe));
    told += explain(preference, probe);
  }
  add(findings, silences(answer, mx_port));
  if (v.json()) {
    print_json(json::object{{"domain", domain.text()},
                            {"null_mx", answer.mx->null_mx},
                            {"secure", answer.mx->answer.secure()},
                            {"mx", std::move(hosts)},
                            {"findings", findings_json(findings)}});
  } else {
    print(told);
    print_findings(findings);
  }
  return has_error(findings) ? Exit::no : Exit::done;
}

// ---------------------------------------------------------------- check mta-sts

Task<> ask_policy(dns::Resolver& resolver, const config::Config& config, dns::Name domain, TimePoint now,
                  MxAnswer& out) {
  out.mx = co_await dns::lookup_mx(resolver, domain);
  auto prober = Prober::make(config, resolver, co_await runtime::current_executor());
  if (!prober) {
    out.problem = std::move(prober.error());
    co_return;
  }
  out.policy = co_await inspection::probe_policy(resolver, (*prober)->https(), domain, config.mta_sts.https_port);
  if (dns::is_definite(out.mx->status()) && out.policy->fetch) co_await visit_hosts(**prober, domain, now, out);
}

std::vector<std::string> host_names(const MxAnswer& answer) {
  std::vector<std::string> out;
  for (const auto& [preference, probe] : answer.hosts) out.push_back(text::lower(probe.host.text()));
  return out;
}

Exit check_mta_sts(const Invocation& v) {
  const auto asked = ask_about_domain(v, ask_policy);
  if (!asked) return asked.error();
  const auto& [domain, mx_port, answer] = *asked;
  const inspection::PolicyProbe& probe = *answer.policy;
  if (probe.record.state == mta_sts::RecordState::unavailable) return unreachable_dns(probe.record.answers.front());
  Findings findings = inspection::findings_of(probe, host_names(answer));
  json::array hosts;
  std::string told;
  const mta_sts::Policy* policy = probe.fetch && probe.fetch->is_usable() ? &probe.fetch->review.policy : nullptr;
  for (const auto& [preference, host] : answer.hosts) {
    add(findings, inspection::findings_of(host));
    json::object row = mx_json(preference, host);
    const bool listed = policy != nullptr && policy->match(host.host.text()) != nullptr;
    if (policy != nullptr) row["in_policy"] = listed;
    hosts.emplace_back(std::move(row));
    told += explain(preference, host);
    if (policy != nullptr) told += listed ? "    in the policy\n" : "    NOT in the policy\n";
  }
  add(findings, silences(answer, mx_port));
  if (v.json()) {
    json::object out = policy_json(probe);
    out["mx"] = std::move(hosts);
    out["findings"] = findings_json(findings);
    print_json(out);
  } else {
    print(explain(probe) + told);
    print_findings(findings);
  }
  const bool absent = probe.record.state == mta_sts::RecordState::absent;
  return has_error(findings) || absent ? Exit::no : Exit::done;
}

// ---------------------------------------------------------------- check tls-rpt

Task<> ask_tls_rpt(dns::Resolver& resolver, dns::Name domain, tls_rpt::RecordLookup& out) {
  out = co_await tls_rpt::find_record(resolver, std::move(domain));
}

Exit check_tls_rpt(const Invocation& v) {
  const auto domain = name_of(v, "DOMAIN");
  if (!domain) return report(domain.error());
  tls_rpt::RecordLookup lookup;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_tls_rpt(resolver, *domain, lookup); }))
    return report(*problem);
  if (lookup.state == tls_rpt::RecordState::unavailable) return unreachable_dns(lookup.answers.front());
  const Findings findings = tls_rpt::findings_of(lookup, *domain);
  const bool found = lookup.state == tls_rpt::RecordState::found;
  if (v.json()) {
    print_json(json::object{{"domain", domain->text()},
                            {"result", dns::text(lookup.state)},
                            {"valid", found},
                            {"record", found ? json::value(record_json(lookup.record)) : nullptr},
                            {"texts", json_texts(lookup.texts)},
                            {"reason", json_text(lookup.reason)},
                            {"answers", json_answers(lookup.answers)},
                            {"findings", findings_json(findings)}});
  } else {
    print(found ? fmt::format("TLS reports for {}:\n{}", domain->text(), explain(lookup.record))
                : fmt::format("{}: {}\n", domain->text(), lookup.reason));
    print_findings(findings);
  }
  return found && !has_error(findings) ? Exit::done : Exit::no;
}

// ---------------------------------------------------------------- check dane

struct HostAnswer {
  std::optional<inspection::MxProbe> probe;
  std::optional<Problem> problem;
};

Task<> ask_dane(dns::Resolver& resolver, const config::Config& config, dns::Name host, bool dns_only, TimePoint now,
                HostAnswer& out) {
  auto prober = Prober::make(config, resolver, co_await runtime::current_executor());
  if (!prober) {
    out.problem = std::move(prober.error());
    co_return;
  }
  inspection::ProbeOptions options = (*prober)->options();
  options.dns_only = dns_only;
  const inspection::ProbeSurroundings with = (*prober)->surroundings();
  out.probe = co_await inspection::probe_mx(with, std::move(options), std::move(host), true, now);
}

/// The one word: what a sender that does DANE makes of the host.
std::string_view dane_result(const inspection::MxProbe& probe) {
  if (probe.tlsa.state != dane::TlsaState::usable) return dane::text(probe.tlsa.state);
  bool match = false;
  for (const inspection::AddressProbe& visit : probe.probes) {
    if (!visit.dane) continue;
    if (visit.dane->match == dane::Match::mismatch) return "mismatch";
    match = true;
  }
  return match ? "match" : "usable";
}

Exit check_dane(const Invocation& v) {
  const auto host = name_of(v, "HOST");
  if (!host) return report(host.error());
  const auto now = now_of(v);
  if (!now) return report(now.error());
  const auto config = settings_of(v);
  if (!config) return config.error();
  // Offline there is nobody to connect to, unless the configuration says that private addresses are meant.
  const bool offline = v.get("--dns").starts_with("zone:") && !v.has("--config");
  HostAnswer answer;
  const auto problem =
      ask(v, [&](dns::Resolver& resolver) { return ask_dane(resolver, *config, *host, offline, *now, answer); });
  if (problem) return report(*problem);
  if (answer.problem) return report(*answer.problem);
  const inspection::MxProbe& probe = *answer.probe;
  Findings findings;
  for (Finding& finding : inspection::findings_of(probe))
    if (finding.id != "mx-certificate") findings.push_back(std::move(finding));
  const std::string_view result = dane_result(probe);
  if (v.json()) {
    json::object out = mx_json(0, probe);
    out.erase("preference");
    out["result"] = result;
    out["findings"] = findings_json(findings);
    print_json(out);
  } else {
    print(fmt::format("DANE for {}: {}\n{}", host->text(), result, explain(0, probe)));
    print_findings(findings);
  }
  if (probe.tlsa.state == dane::TlsaState::unavailable) return Exit::unavailable;
  return has_error(findings) ? Exit::no : Exit::done;
}

// ---------------------------------------------------------------- dane check, mta-sts check

Exit dane_check(const Invocation& v) {
  const auto now = now_of(v);
  if (!now) return report(now.error());
  const auto tlsa_text = read_input(v.get("--tlsa"), text_octets_max);
  if (!tlsa_text) return report(tlsa_text.error());
  const auto records = dane::parse_tlsa_file(*tlsa_text);
  if (!records)
    return report({ProblemKind::usage, v.get("--tlsa"), records.error(), "write one record a line: 3 1 1 HEX"});
  const auto pem = read_input(v.get("--chain"), ca_octets_max);
  if (!pem) return report(pem.error());
  const auto chain = crypto::Certificate::from_pem(*pem);
  if (!chain)
    return report({ProblemKind::usage, v.get("--chain"), chain.error(), "give a PEM file, the server's first"});
  std::vector<std::string> names;
  for (const std::string& option : v.all("--base"))
    for (const std::string_view name : text::split(option, ','))
      if (!text::trim(name).empty()) names.emplace_back(text::trim(name));
  const dane::Verdict verdict = dane::verify_chain(*records, *chain, names, *now);
  json::value pkix = nullptr;
  std::string told;
  if (v.has("--trust")) {
    const auto roots = read_input(v.get("--trust"), ca_octets_max);
    if (!roots) return report(roots.error());
    const auto store = crypto::TrustStore::make(*roots, false);
    if (!store) return report({ProblemKind::usage, v.get("--trust"), store.error(), "give a PEM file of CAs"});
    const crypto::ChainVerdict trusted = store->verify(*chain, *now);
    pkix = json::object{{"trusted", trusted.trusted}, {"reason", trusted.reason}};
    told = fmt::format("  By those CAs: {}\n", trusted.trusted ? "trusted" : trusted.reason);
  }
  if (v.json()) {
    json::object out{{"result", dane::text(verdict.match)},
                     {"usage", verdict.usage < 0 ? json::value(nullptr) : json::value(verdict.usage)},
                     {"depth", verdict.depth < 0 ? json::value(nullptr) : json::value(verdict.depth)},
                     {"record", verdict.record.empty() ? json::value(nullptr) : json::value(verdict.record)},
                     {"reason", json_text(verdict.reason)}};
    if (!pkix.is_null()) out["pkix"] = std::move(pkix);
    print_json(out);
  } else {
    print(fmt::format("{}: {}\n{}{}", dane::text(verdict.match), verdict.reason,
                      verdict.record.empty() ? "" : fmt::format("  Record: {}\n", verdict.record), told));
  }
  return verdict.match == dane::Match::match ? Exit::done : Exit::no;
}

Exit mta_sts_check(const Invocation& v) {
  const auto file = read_input(v.get("--policy"), text_octets_max);
  if (!file) return report(file.error());
  // As MX records write it, with or without the root's dot.
  std::string host = v.get("--mx");
  if (host.ends_with('.')) host.pop_back();
  if (!address::Domain::parse(host))
    return report({ProblemKind::usage, fmt::format("--mx '{}'", text::printable(v.get("--mx"))),
                   "this is no name of a host", "write it like mail.example.org"});
  const mta_sts::PolicyReview review = mta_sts::review_policy(*file);
  const mta_sts::MxPattern* pattern = review.valid ? review.policy.match(v.get("--mx")) : nullptr;
  if (v.json()) {
    json::object out = policy_record_json(review);
    out["match"] = pattern != nullptr;
    out["pattern"] = pattern == nullptr ? json::value(nullptr) : json::value(pattern->text());
    out["findings"] = findings_json(review.findings);
    print_json(out);
  } else {
    std::string told = review.valid ? explain(review.policy) : "senders do not use this policy\n";
    if (review.valid)
      told += pattern != nullptr ? fmt::format("{} is covered by {}\n", v.get("--mx"), pattern->text())
                                 : fmt::format("{} is NOT in the policy\n", v.get("--mx"));
    print(told);
    print_findings(review.findings);
  }
  return pattern != nullptr ? Exit::done : Exit::no;
}

}  // namespace
}  // namespace transport_noun

const std::vector<Verb>& transport_verbs() {
  using namespace transport_noun;
  static const std::vector<Verb> verbs{
      {"check mta-sts",
       "the MTA-STS policy of a domain as senders fetch it, against each of its MX hosts",
       "Asks for the TXT record, fetches the policy over HTTPS (no redirect, a certificate for mta-sts.DOMAIN), and\n"
       "connects to each MX host: is it in the policy, does it offer STARTTLS, does its certificate bear its name.\n"
       "With --config the probes use that server's CA file, ports and addresses. Exit status 1 with an error among\n"
       "the findings or without MTA-STS.\n\n"
       "  posthorn check mta-sts example.org",
       {{"DOMAIN", "the domain after the @"}},
       {dns_option, now_option},
       check_mta_sts},
      {"check tls-rpt",
       "who is told when TLS to a domain fails",
       "The record at _smtp._tls (RFC 8460). Exit status 1 where nobody is told.\n\n"
       "  posthorn check tls-rpt example.org",
       {{"DOMAIN", "the domain after the @"}},
       {dns_option},
       check_tls_rpt},
      {"check dane",
       "the TLSA records of a mail host, and whether its certificate is the one they publish",
       "Looks where senders look (RFC 7672): the host's addresses must be validated (DNSSEC) before _25._tcp.HOST\n"
       "counts. Then connects, unless the DNS is a zone file. result is match, mismatch, usable (records, nobody was\n"
       "connected to), unusable, absent, insecure or unavailable.\n\n"
       "  posthorn check dane mx.example.org",
       {{"HOST", "an MX host"}},
       {dns_option, now_option},
       check_dane},
      {"check mx",
       "the hosts that take a domain's mail: addresses, STARTTLS, certificate, TLSA",
       "Connects to every address of every MX host, goes through STARTTLS and says goodbye. Exit status 1 with an\n"
       "error among the findings.\n\n"
       "  posthorn check mx example.org\n"
       "  posthorn check mx example.org --json | jq '.mx[].probes[].certificate'",
       {{"DOMAIN", "the domain after the @"}},
       {dns_option, now_option},
       check_mx},
      {"dane check",
       "does a certificate chain match TLSA records, as SMTP judges it",
       "Offline. Usage 3 asks for the key or certificate alone, usage 2 for chain, dates and name; 0 and 1 are not\n"
       "used in SMTP (RFC 7672). Exit status 0 where a record matches.\n\n"
       "  posthorn dane check --tlsa tlsa.txt --chain fullchain.pem --base mx.example.org",
       {},
       {{"--tlsa", "FILE", "one record a line: 3 1 1 HEX, or a zone file's line", true},
        {"--chain", "PEM", "the chain as the server sends it, its own certificate first", true},
        {"--base", "NAME[,NAME]", "the names that a usage 2 certificate may bear", true, true},
        {"--trust", "PEM", "CAs: also say whether they vouch for the chain"},
        now_option},
       dane_check},
      {"mta-sts check",
       "is a policy file valid, and does it cover a host",
       "Offline. A wildcard covers exactly one label. Exit status 0 where a sender would use the policy and the host\n"
       "is in it.\n\n"
       "  posthorn mta-sts check --policy mta-sts.txt --mx mx1.example.org",
       {},
       {{"--policy", "FILE", "the policy; - is standard input", true}, {"--mx", "NAME", "the MX host's name", true}},
       mta_sts_check},
  };
  return verbs;
}

}  // namespace posthorn::cli
