// domain compare: every record at one name server against another one's, before a delegation moves.
#include <tuple>

#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/domain_life.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "operations/inspection/compare.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/loops.h"

namespace posthorn::cli {
namespace domain_compare_noun {
namespace {

namespace json = boost::json;

struct Comparing {
  dns::Name domain;
  net::Endpoint a, b;
  std::vector<dns::Name> names;
  bool with_ttl = false;
  inspection::Comparison out;
};

Task<> compare_servers(runtime::Clock& clock, Comparing& comparing) {
  runtime::SystemRandom random;
  net::Loop loop(co_await runtime::current_executor(), clock);
  resolver::DnsClient client(loop, random);
  comparing.out = co_await inspection::compare_zones(client, comparing.domain, comparing.a, comparing.b,
                                                     comparing.names, comparing.with_ttl);
}

Result<net::Endpoint, Problem> server_of(const Invocation& v, std::string_view option) {
  const auto source = resolver::parse_source(v.get(option));
  if (source)
    if (const auto* server = std::get_if<net::Endpoint>(&*source)) return *server;
  return fail(Problem{ProblemKind::usage, fmt::format("{} {}", option, text::printable(v.get(option))),
                      "this is no address of a name server", "write 192.0.2.53 or [2001:db8::53]:5353"});
}

void print_comparison(const Invocation& v, const Comparing& comparing) {
  const inspection::Comparison& out = comparing.out;
  json::array rows;
  std::string text;
  for (const inspection::Difference& one : out.differences) {
    rows.emplace_back(json::object{{"name", one.name.text()},
                                   {"type", dns::text(one.type)},
                                   {"a", json_texts(one.a)},
                                   {"b", json_texts(one.b)},
                                   {"ttl_a", one.ttl_a},
                                   {"ttl_b", one.ttl_b}});
    for (const auto& [mark, list, ttl] : {std::tuple('-', &one.a, one.ttl_a), std::tuple('+', &one.b, one.ttl_b)})
      for (const std::string& data : *list)
        text += fmt::format("{}{}. {} IN {} {}\n", mark, one.name.text(), ttl, dns::text(one.type), data);
  }
  if (!v.json()) {
    const bool whole = out.whole_a && out.whole_b;
    text += fmt::format("{} names, {} record sets compared{}: {} differ\n", out.names, out.record_sets,
                        whole ? "" : " (no transfer on both sides: only names that are known)", rows.size());
    return print(text);
  }
  print_json(json::object{{"domain", comparing.domain.text()},
                          {"equal", out.differences.empty()},
                          {"whole_a", out.whole_a},
                          {"whole_b", out.whole_b},
                          {"names", out.names},
                          {"record_sets", out.record_sets},
                          {"differences", std::move(rows)}});
}

Exit compare(const Invocation& v) {
  auto domain = name_of(v, "DOMAIN");
  if (!domain) return report(domain.error());
  const auto a = server_of(v, "--a");
  if (!a) return report(a.error());
  const auto b = server_of(v, "--b");
  if (!b) return report(b.error());
  Comparing comparing{*domain, *a, *b, inspection::names_known(*domain, v.all("--selector")), v.has("--ttl"), {}};
  if (names_config(v)) {
    // A domain of ours: every name that its plan and its history know.
    auto config = load_config(v);
    if (!config) return config.error();
    const auto life = DomainLife::find(std::move(*config), domain->text(), TimePoint{});
    if (life) comparing.names = inspection::names_known(life->model, life->around, life->ledger, v.all("--selector"));
  }
  for (const std::string& name : v.all("--name"))
    if (auto parsed = dns::Name::parse(name)) comparing.names.push_back(std::move(*parsed));
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return compare_servers(clock, comparing); });
  if (!comparing.out.problem.empty())
    return report({ProblemKind::unavailable, comparing.domain.text(), comparing.out.problem, "name another server"});
  print_comparison(v, comparing);
  return comparing.out.differences.empty() ? Exit::done : Exit::no;
}

}  // namespace
}  // namespace domain_compare_noun

const std::vector<Verb>& domain_compare_verbs() {
  using namespace domain_compare_noun;
  static const std::vector<Verb> verbs{
      {"domain compare",
       "every record at one name server against another one's",
       "Before a delegation moves, the new servers should say what the old ones say. The zones are transferred where "
       "both\n"
       "servers allow it; else every name that is known is asked of both: those that mail uses, --selector and "
       "--name,\n"
       "and with --config those of the domain's plan and history. SOA, the zone's own NS records and what "
       "servers\n"
       "make for DNSSEC do not count. Exit status 1 where something differs.\n\n"
       "  posthorn domain compare example.org --a 192.0.2.53 --b 198.51.100.53 --selector mail2026",
       {{"DOMAIN", "the domain"}},
       {{"--a", "ADDRESS", "the server that answers today, ADDRESS[:PORT]", true},
        {"--b", "ADDRESS", "the server that is to answer", true},
        {"--selector", "SELECTOR", "a DKIM selector in use", false, true},
        {"--name", "NAME", "a further name to ask for", false, true},
        {"--ttl", "", "TTLs must agree, too"}},
       compare},
  };
  return verbs;
}

}  // namespace posthorn::cli
