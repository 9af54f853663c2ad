// domain check: what domains publish, asked of every name server and the cache, with what is wrong about it.
#include <algorithm>
#include <map>

#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/domain_life.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "entrance/server/prober.h"
#include "foundation/text/ascii.h"
#include "foundation/text/shown.h"
#include "operations/domains/check.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "standards/dkim/signature.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
using domains::CheckReport;

constexpr std::size_t list_octets_max = 64 * MiB;
constexpr std::size_t at_a_time = 16;  // domains; their questions wait their turn at each server

// ---------------------------------------------------------------- JSON

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json_text(text));
}

json::array said_json(const std::vector<domains::SaidByServer>& said) {
  json::array out;
  for (const domains::SaidByServer& one : said)
    out.emplace_back(json::object{{"server", one.server},
                                  {"answer", json_text(one.answer)},
                                  {"ttl", one.ttl_seconds},
                                  {"serial", one.serial ? json::value(*one.serial) : json::value(nullptr)}});
  return out;
}

json::object finding_json(const domains::CheckFinding& found) {
  return {{"id", found.finding.id},
          {"level", word(found.finding.level)},
          {"name", found.name},
          {"reason", json_text(found.finding.reason)},
          {"wanted", text_or_null(found.wanted)},
          {"authoritative", said_json(found.authoritative)},
          {"cached", found.cached ? json::value(json_text(*found.cached)) : json::value(nullptr)},
          {"correction", text_or_null(found.finding.correction)}};
}

json::object record_row_json(const domains::CheckedRecord& row) {
  json::array wanted;
  for (const std::string& one : row.wanted) wanted.emplace_back(json_text(one));
  return {{"name", row.name},
          {"type", row.type},
          {"wanted", std::move(wanted)},
          {"authoritative", said_json(row.authoritative)},
          {"cached", row.cached ? json::value(json_text(*row.cached)) : json::value(nullptr)},
          {"cached_seconds", row.cached_seconds ? json::value(*row.cached_seconds) : json::value(nullptr)},
          {"disagree", row.disagree},
          {"old_until", row.old_until ? json::value(rfc3339(*row.old_until)) : json::value(nullptr)}};
}

json::object report_json(const CheckReport& report) {
  json::array servers, records, findings, tree;
  for (const domains::CheckedServer& server : report.zone.servers)
    servers.emplace_back(json::object{{"server", server.name},
                                      {"state", domains::text(server.state)},
                                      {"serial", server.serial ? json::value(*server.serial) : json::value(nullptr)},
                                      {"problem", text_or_null(server.problem)}});
  for (const domains::CheckedRecord& row : report.records) records.emplace_back(record_row_json(row));
  for (const domains::CheckFinding& found : report.findings) findings.emplace_back(finding_json(found));
  for (const std::string& line : report.spf_tree) tree.emplace_back(json_text(line));
  return {{"domain", report.domain.text()},
          {"kind", domains::text(report.kind)},
          {"state", text_or_null(report.state)},
          {"checked_at", rfc3339(report.checked_at)},
          {"zone", report.zone.zone.text()},
          {"servers", std::move(servers)},
          {"dnssec", text_or_null(report.dnssec)},
          {"signature_expires",
           report.signature_expires ? json::value(rfc3339(*report.signature_expires)) : json::value(nullptr)},
          {"spf",
           json::object{
               {"lookups", report.spf_lookups}, {"void_lookups", report.spf_void_lookups}, {"tree", std::move(tree)}}},
          {"records", std::move(records)},
          {"findings", std::move(findings)},
          {"questions", report.questions},
          {"problem", text_or_null(report.problem)}};
}

// ---------------------------------------------------------------- words

std::string report_text(const CheckReport& report) {
  std::string out = fmt::format("{}: ", report.domain.text());
  std::size_t errors = 0, warnings = 0;
  for (const domains::CheckFinding& found : report.findings) {
    errors += found.finding.level == FindingLevel::error ? 1 : 0;
    warnings += found.finding.level == FindingLevel::warning ? 1 : 0;
  }
  out += errors + warnings == 0 ? "all well\n" : fmt::format("{} errors, {} warnings\n", errors, warnings);
  for (const domains::CheckedServer& server : report.zone.servers)
    out += fmt::format("  {:<44} {}{}\n", server.name, domains::text(server.state),
                       server.serial ? fmt::format(", serial {}", *server.serial) : std::string{});
  if (!report.dnssec.empty()) out += fmt::format("  DNSSEC: {}\n", report.dnssec);
  for (const domains::CheckFinding& found : report.findings) {
    out += fmt::format("\n  {:<8} {}  {}\n    {}\n", word(found.finding.level), found.finding.id, found.name,
                       text::shown(found.finding.reason, 2000));
    for (const domains::SaidByServer& said : found.authoritative)
      out += fmt::format("    {}: {} (TTL {})\n", said.server, text::printable(said.answer, 1000), said.ttl_seconds);
    if (found.cached) out += fmt::format("    cache: {}\n", text::printable(*found.cached, 1000));
    if (!found.finding.correction.empty())
      out += fmt::format("    publish: {}\n", text::shown(found.finding.correction, 4000));
  }
  return out;
}

// ---------------------------------------------------------------- the verb

struct Checking {
  std::vector<dns::Name> domains;
  resolver::Source source;
  config::Config config;
  domains::CheckOptions options;
  bool json = false;

  std::map<std::string, domains::Expectation> known;             ///< by domain
  std::map<std::string, DomainLife> lives;                       ///< of those that are the store's
  std::vector<std::pair<std::string, domains::CheckMade>> made;  ///< for their histories

  std::size_t next = 0, printed = 0;
  bool errors = false, unreachable = false;
  std::optional<Problem> problem;
};

void print_report(Checking& checking, const CheckReport& report) {
  checking.errors |= report.has_errors();
  checking.unreachable |= !report.problem.empty() && !report.zone.domain_is_absent;
  if (!checking.json) return print(fmt::format("{}{}", checking.printed++ == 0 ? "" : "\n", report_text(report)));
  const bool is_list = checking.domains.size() > 1;
  const std::string_view before = !is_list ? "" : checking.printed == 0 ? "[" : ",\n ";
  ++checking.printed;
  print(fmt::format("{}{}", before, json::serialize(report_json(report))));
  if (checking.printed == checking.domains.size()) print(is_list ? "]\n" : "\n");
}

/// The history of checks is what a roll-out is gated by. After everything was asked: the store has a loop of its own.
void remember(Checking& checking) {
  for (auto& [domain, made] : checking.made) {
    DomainLife& life = checking.lives.at(domain);
    domains::add_check(life.checks, std::move(made));
    if (const auto saved = life.save(); !saved) print_problem(saved.error());
  }
}

/// One of several that take domains off the list until it is empty.
Task<> check_some(Checking& checking, domains::CheckSource& source) {
  while (checking.next < checking.domains.size()) {
    dns::Name domain = checking.domains[checking.next++];
    const std::string key = domain.lower_case_key();
    domains::Expectation expectation = checking.known[key];
    const CheckReport report = co_await domains::check_domain(source, std::move(domain), expectation, checking.options);
    if (source.is_live() && checking.lives.contains(key)) checking.made.emplace_back(key, domains::summary_of(report));
    print_report(checking, report);
  }
}

Task<> check_all(runtime::Clock& clock, Checking& checking) {
  const runtime::Executor executor = co_await runtime::current_executor();
  auto bench = server::CheckBench::make(checking.config, checking.source, clock, executor);
  if (!bench) {
    checking.problem = std::move(bench.error());
    co_return;
  }
  checking.options.probes = &(*bench)->probes();
  runtime::TaskGroup group("domains", {});
  for (std::size_t i = 0; i < at_a_time && i < checking.domains.size(); ++i)
    runtime::spawn(group, executor, "domain", check_some(checking, (*bench)->source()));
  co_await group.join();
}

Result<void, Problem> add_domain(Checking& checking, std::string_view text) {
  auto name = dkim::parse_domain(text);
  if (!name)
    return fail(Problem{ProblemKind::usage, text::printable(text), "this is no domain name",
                        "write example.org or bücher.example"});
  checking.domains.push_back(std::move(*name));
  return {};
}

Result<void, Problem> read_domains(const Invocation& v, Checking& checking) {
  for (const std::string& text : v.all("DOMAIN"))
    if (auto added = add_domain(checking, text); !added) return added;
  if (v.has("--file")) {
    const auto list = read_input(v.get("--file"), list_octets_max);
    if (!list) return fail(list.error());
    for (const std::string_view line : text::split(*list, '\n')) {
      const std::string_view word = text::trim_lines(line.substr(0, line.find('#')));
      if (word.empty()) continue;
      if (auto added = add_domain(checking, word); !added) return added;
    }
  }
  if (!checking.domains.empty()) return {};
  return fail(Problem{ProblemKind::usage, "domain check", "there is no domain to check",
                      "name domains, or a list of them with --file"});
}

Result<void, Problem> read_options(const Invocation& v, Checking& checking) {
  const std::string_view fallback = v.has("--config") ? std::string_view(checking.config.dns_source) : "system";
  auto source = resolver::parse_source(v.has("--dns") ? v.get("--dns") : std::string(fallback));
  if (!source) return fail(std::move(source.error()));
  checking.source = std::move(*source);
  const auto now = now_of(v);
  if (!now) return fail(now.error());
  checking.options.now = *now;
  checking.options.selectors = v.all("--selector");
  checking.options.parked = v.has("--parked");
  checking.json = v.json();
  for (const std::string& text : v.all("--subdomain")) {
    auto name = dns::Name::parse(text);
    if (!name)
      return fail(Problem{ProblemKind::usage, text::printable(text), std::string(dns::text(name.error())), ""});
    checking.options.subdomains.push_back(std::move(*name));
  }
  return read_domains(v, checking);
}

/// The models of those domains that the store has; the others are checked by themselves.
Result<void, Problem> read_models(const Invocation& v, Checking& checking) {
  for (const dns::Name& domain : checking.domains) {
    domains::Expectation expectation;
    expectation.allow_private = checking.config.relay.allow_private;
    Result<DomainLife, Problem> life = fail(Problem{});
    if (v.has("--config")) life = DomainLife::find(checking.config, domain.text(), checking.options.now);
    if (!life && life.error().kind == ProblemKind::unavailable) return fail(life.error());
    if (life) {
      expectation.model = life->model;
      expectation.around = life->around;
      if (!life->around.tlsa_next.empty()) expectation.next_key_tlsa = life->around.tlsa_next;
      expectation.policies = life->policies;
      checking.lives.emplace(domain.lower_case_key(), std::move(*life));
    }
    checking.known[domain.lower_case_key()] = std::move(expectation);
  }
  return {};
}

Exit check(const Invocation& v) {
  Checking checking;
  if (v.has("--config")) {
    auto config = load_config(v);
    if (!config) return config.error();
    checking.config = std::move(*config);
  }
  if (const auto read = read_options(v, checking); !read) return report(read.error());
  if (const auto read = read_models(v, checking); !read) return report(read.error());
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return check_all(clock, checking); });
  remember(checking);
  if (checking.problem) return report(*checking.problem);
  if (checking.unreachable && checking.domains.size() == 1)
    return report({ProblemKind::unavailable, checking.domains.front().text(), "its name servers could not be asked",
                   "look at the network, or name a server with --dns"});
  return checking.errors ? Exit::no : Exit::done;
}

}  // namespace

const std::vector<Verb>& domain_check_verbs() {
  static const std::vector<Verb> verbs{
      {"domain check",
       "what domains publish for mail, asked of every name server, and what is wrong with it",
       "Asks each authoritative server and the cache side by side, walks the SPF tree, connects to the MX hosts\n"
       "(STARTTLS, certificate), and fetches the MTA-STS policy. Each finding names its id, what each server says,\n"
       "and the record to publish instead. Exit status 1 where one is an error.\n\n"
       "With zone:FILE nothing is asked or connected to but this machine itself. authoritative@ADDRESS[:PORT] begins\n"
       "at that server instead of the roots and asks every server at that port.\n\n"
       "  posthorn domain check example.org --selector mail2026\n"
       "  posthorn domain check --file domains.txt --json\n"
       "  posthorn domain check example.org --dns zone:example.zone",
       {{"DOMAIN", "one or more domains, mail here or elsewhere", false, true}},
       {{"--file", "LIST", "a file with a domain a line; # begins a comment; - is standard input"},
        {"--dns", "SOURCE", "system (default), recursive, ADDRESS[:PORT], authoritative or zone:FILE"},
        {"--selector", "SELECTOR", "a DKIM selector in use", false, true},
        {"--subdomain", "NAME", "a name below to look at too", false, true},
        {"--parked", "", "the domain is meant to take and send no mail"},
        now_option},
       check},
  };
  return verbs;
}

}  // namespace posthorn::cli
