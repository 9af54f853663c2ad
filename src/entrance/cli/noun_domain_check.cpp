// domain check: what domains publish, asked of every name server and the cache, with what is wrong about it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

#include <boost/json.hpp>
#include <unistd.h>

#include "entrance/cli/ask.h"
#include "entrance/cli/check_results.h"
#include "entrance/cli/check_text.h"
#include "entrance/cli/domain_life.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/server/prober.h"
#include "foundation/text/ascii.h"
#include "operations/inspection/check.h"
#include "operations/inspection/kept_of_check.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "standards/dkim/signature.h"

namespace posthorn::cli {
namespace domain_check_noun {
namespace {

namespace json = boost::json;
using inspection::CheckReport;

constexpr std::size_t list_octets_max = 64 * MiB;
constexpr std::size_t at_a_time = 16;  // domains; their questions wait their turn at each server
constexpr Duration progress_every = std::chrono::seconds(2);

struct Checking {
  std::vector<dns::Name> domains;  ///< each once
  resolver::Source source;
  config::Config config;
  inspection::CheckOptions options;
  bool json = false, all_records = false, transfer = false, progress = false;

  std::set<std::string> ours;  ///< domains that the store has
  std::unique_ptr<CheckResults> results;

  std::size_t next = 0, printed = 0, checked = 0, earlier = 0;
  TimePoint began, told_progress;
  bool errors = false, unreachable = false;
  std::optional<Problem> problem;
};

std::string key_of(const dns::Name& domain) {
  return text::lower(domain.text());
}

// ---------------------------------------------------------------- output

void print_report(Checking& checking, const CheckReport& report) {
  checking.errors |= report.has_errors();
  checking.unreachable |= !report.problem.empty() && !report.zone.domain_is_absent;
  if (checking.results) {
    const auto kept = checking.results->add(key_of(report.domain), json::serialize(report_json(report)));
    if (!kept) checking.problem = kept.error();
    const bool is_worth_a_line = !checking.json && count_text(report) != "all well";
    if (is_worth_a_line) print(fmt::format("{}: {}\n", report.domain.text(), count_text(report)));
    return;
  }
  if (!checking.json)
    return print(fmt::format("{}{}", checking.printed++ == 0 ? "" : "\n", report_text(report, checking.all_records)));
  const bool is_list = checking.domains.size() > 1;
  const std::string_view before = !is_list ? "" : checking.printed == 0 ? "[" : ",\n ";
  ++checking.printed;
  print(fmt::format("{}{}", before, json::serialize(report_json(report))));
  if (checking.printed == checking.domains.size()) print(is_list ? "]\n" : "\n");
}

/// On standard error, so that the answer stays one document.
void tell_progress(Checking& checking, TimePoint now) {
  ++checking.checked;
  const std::size_t done = checking.earlier + checking.checked;
  const bool is_last = done == checking.domains.size();
  if (!checking.progress || (now - checking.told_progress < progress_every && !is_last)) return;
  checking.told_progress = now;
  const double seconds = std::max(0.001, std::chrono::duration<double>(now - checking.began).count());
  const double rate = static_cast<double>(checking.checked) / seconds;
  const double left = static_cast<double>(checking.domains.size() - done) / rate;
  static_cast<void>(std::fputs(
      fmt::format("{} of {} domains, {:.1f} a second, {:.0f} s to go\n", done, checking.domains.size(), rate, left)
          .c_str(),
      stderr));
}

void print_totals(const Checking& checking) {
  const CheckTotals& totals = checking.results->totals();
  if (checking.json)
    return print(json::serialize(json::object{{"domains", totals.domains},
                                              {"checked_now", checking.checked},
                                              {"with_errors", totals.with_errors},
                                              {"with_warnings", totals.with_warnings},
                                              {"unreachable", totals.unreachable}}) +
                 "\n");
  print(fmt::format("{} domains ({} now): {} with errors, {} with warnings, {} could not be asked\n", totals.domains,
                    checking.checked, totals.with_errors, totals.with_warnings, totals.unreachable));
}

// ---------------------------------------------------------------- what we know of a domain

/// Its model, where the store has it; others are checked by themselves.
struct Known {
  inspection::Expectation expectation;
  std::optional<DomainLife> life;
};

/// The certificate authority that the configuration asks (RFC 8555), as CAA records name it.
std::string authority_of(const config::Acme& acme) {
  return acme.directory.contains("letsencrypt.org") ? "letsencrypt.org" : std::string{};
}

Result<Known, Problem> known_of(const Checking& checking, const dns::Name& domain) {
  Known known;
  known.expectation.allow_private = checking.config.relay.allow_private;
  known.expectation.around.dmarc_reports = checking.config.domains.dmarc_reports;
  known.expectation.around.tls_reports = checking.config.domains.tls_reports;
  if (!checking.ours.contains(key_of(domain))) return known;
  auto life = DomainLife::find(checking.config, domain.text(), checking.options.now);
  if (!life)
    return life.error().kind == ProblemKind::no ? Result<Known, Problem>(std::move(known)) : fail(life.error());
  known.expectation.model = life->model;
  known.expectation.around = life->around;
  if (!life->around.tlsa_next.empty()) known.expectation.next_key_tlsa = life->around.tlsa_next;
  known.expectation.policies = life->policies;
  known.expectation.ledger = life->ledger;
  if (life->model.takes_mail_here()) known.expectation.authority = authority_of(checking.config.acme);
  known.life = std::move(*life);
  return known;
}

/// The history of checks is what a roll-out is gated by.
void remember(Known& known, const CheckReport& report) {
  if (!known.life) return;
  domains::add_check(known.life->checks, inspection::summary_of(report));
  inspection::note_foreign_policy(known.life->policies, report);
  if (const auto saved = known.life->save(); !saved) print_problem(saved.error());
}

Result<void, Problem> read_ours(const Invocation& v, Checking& checking) {
  if (!v.has("--config")) return {};
  Gathered gathered;
  if (auto done = ask_into(checking.config, {"domain list", {}, {}, {}}, gathered); !done) return fail(done.error());
  for (const std::string& item : gathered.items) {
    json::error_code error;
    const json::value row = json::parse(item, error);
    if (!error && row.is_object()) checking.ours.insert(text::lower(member(row.get_object(), "domain")));
  }
  return {};
}

// ---------------------------------------------------------------- the check

/// One of several that take domains off the list until it is empty.
Task<> check_some(Checking& checking, inspection::CheckSource& source) {
  const runtime::SystemClock clock;
  while (checking.next < checking.domains.size() && !checking.problem) {
    dns::Name domain = checking.domains[checking.next++];
    if (checking.results && checking.results->has(key_of(domain))) {
      ++checking.earlier;
      continue;
    }
    auto known = known_of(checking, domain);
    if (!known) {
      checking.problem = std::move(known.error());
      co_return;
    }
    const CheckReport report =
        co_await inspection::check_domain(source, std::move(domain), known->expectation, checking.options);
    if (source.is_live()) remember(*known, report);
    print_report(checking, report);
    tell_progress(checking, clock.now());
  }
}

Task<> check_all(runtime::Clock& clock, Checking& checking) {
  const runtime::Executor executor = co_await runtime::current_executor();
  auto bench = server::CheckBench::make(checking.config, checking.source, clock, executor, checking.transfer);
  if (!bench) {
    checking.problem = std::move(bench.error());
    co_return;
  }
  checking.options.probes = &(*bench)->probes();
  checking.began = checking.told_progress = clock.now();
  runtime::TaskGroup group("domains", {});
  for (std::size_t i = 0; i < at_a_time && i < checking.domains.size(); ++i)
    runtime::spawn(group, executor, "domain", check_some(checking, (*bench)->source()));
  co_await group.join();
}

Result<void, Problem> add_domain(Checking& checking, std::set<std::string>& seen, std::string_view text) {
  auto name = dkim::parse_domain(text);
  if (!name)
    return fail(Problem{ProblemKind::usage, text::printable(text), "this is no domain name",
                        "write example.org or bücher.example"});
  if (seen.insert(name->lower_case_key()).second) checking.domains.push_back(std::move(*name));
  return {};
}

Result<void, Problem> read_domains(const Invocation& v, Checking& checking) {
  std::set<std::string> seen;
  for (const std::string& text : v.all("DOMAIN"))
    if (auto added = add_domain(checking, seen, text); !added) return added;
  if (v.has("--file")) {
    const auto list = read_input(v.get("--file"), list_octets_max);
    if (!list) return fail(list.error());
    for (const std::string_view line : text::split(*list, '\n')) {
      const std::string_view word = text::trim_lines(line.substr(0, line.find('#')));
      if (word.empty()) continue;
      if (auto added = add_domain(checking, seen, word); !added) return added;
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
  checking.all_records = v.has("--records");
  checking.transfer = v.has("--transfer");
  checking.progress = v.has("--progress") || ::isatty(STDERR_FILENO) == 1;
  if (v.has("--results")) {
    auto results = CheckResults::open(v.get("--results"));
    if (!results) return fail(std::move(results.error()));
    checking.results = std::move(*results);
  }
  for (const std::string& text : v.all("--subdomain")) {
    auto name = dns::Name::parse(text);
    if (!name)
      return fail(Problem{ProblemKind::usage, fmt::format("--subdomain '{}'", text::printable(text)),
                          std::string(dns::text(name.error())), "write the whole name, like shop.example.org"});
    checking.options.subdomains.push_back(std::move(*name));
  }
  return read_domains(v, checking);
}

/// What scripts go by; with --results that of all runs together.
Exit exit_of(const Checking& checking) {
  const bool errors = checking.results ? checking.results->totals().with_errors > 0 : checking.errors;
  if (checking.problem) return report(*checking.problem);
  if (checking.unreachable && checking.domains.size() == 1)
    return report({ProblemKind::unavailable, checking.domains.front().text(), "its name servers could not be asked",
                   "look at the network, or name a server with --dns"});
  return errors ? Exit::no : Exit::done;
}

Exit check(const Invocation& v) {
  Checking checking;
  if (names_config(v)) {
    auto config = load_config(v);
    if (!config) return config.error();
    checking.config = std::move(*config);
  }
  if (const auto read = read_options(v, checking); !read) return report(read.error());
  if (const auto read = read_ours(v, checking); !read) return report(read.error());
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return check_all(clock, checking); });
  if (checking.results && !checking.problem) print_totals(checking);
  return exit_of(checking);
}

}  // namespace
}  // namespace domain_check_noun

const std::vector<Verb>& domain_check_verbs() {
  using namespace domain_check_noun;
  static const std::vector<Verb> verbs{
      {"domain check",
       "what domains publish for mail, asked of every name server, and what is wrong with it",
       "Asks each authoritative server and the cache side by side, walks the SPF tree, connects to the MX hosts\n"
       "(STARTTLS, certificate), and fetches the MTA-STS policy. Each finding names its id, what each server says,\n"
       "and the record to publish instead. Exit status 1 where one is an error.\n\n"
       "A list of many domains is best checked with --results: each report becomes a line of that file, and the same\n"
       "command goes on where an earlier run was ended. At a server never more questions are\n"
       "under way than limits.dns_questions_at_a_server says (8).\n\n"
       "With zone:FILE nothing is asked or connected to but this machine itself. authoritative@ADDRESS[:PORT] begins\n"
       "at that server instead of the roots and asks every server at that port.\n\n"
       "  posthorn domain check example.org --selector mail2026\n"
       "  posthorn domain check --file domains.txt --results found.jsonl\n"
       "  posthorn domain check example.org --dns zone:example.zone",
       {{"DOMAIN", "one or more domains, mail here or elsewhere", false, true}},
       {{"--file", "LIST", "a file with a domain a line; # begins a comment; - is standard input"},
        {"--results", "FILE", "keep the reports there, a JSON document a line; go on where an earlier run ended"},
        {"--progress", "", "say on standard error how far it is (always on a terminal)"},
        {"--dns", "SOURCE", "system (default), recursive, ADDRESS[:PORT], authoritative or zone:FILE"},
        {"--selector", "SELECTOR", "a DKIM selector in use", false, true},
        {"--subdomain", "NAME", "a name below to look at too", false, true},
        {"--transfer", "", "ask a server for the whole zone (AXFR): finds what nobody asks for by name"},
        {"--records", "", "show every question side by side: wanted, each server, cache"},
        {"--parked", "", "the domain is meant to take and send no mail"},
        now_option},
       check},
  };
  return verbs;
}

}  // namespace posthorn::cli
