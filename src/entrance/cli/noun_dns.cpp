// dns query, dns trace.
#include <boost/json.hpp>

#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "platform/net/loop.h"
#include "platform/resolver/delegation.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/loops.h"

namespace posthorn::cli {
namespace dns_noun {
namespace {

namespace json = boost::json;

struct DnsQuestion {
  resolver::Options options;
  dns::Name name;
  dns::RecordType type;
};
/// The answer, and who it comes from.
struct Asked {
  std::optional<Result<dns::Answer, Problem>> answer;
  std::string server;  ///< empty: as the answer says
  std::string unvalidated_because;
  bool authoritative = false;
  bool cached = false;
};

/// What the server itself says beside its answer (AA); the resolver only hands on answers.
Task<> ask_server(runtime::Clock& clock, const DnsQuestion& question, const net::Endpoint& server, Asked& asked) {
  runtime::SystemRandom random;
  net::Loop loop(co_await runtime::current_executor(), clock);
  resolver::DnsClient client(loop, random);
  const dns::Question wanted{question.name, question.type};
  const resolver::Asking asking{.recursion_desired = true};
  const auto exchange = co_await client.ask(server, wanted, asking);
  asked.server = server.text();
  asked.authoritative = exchange && exchange->reply.authoritative;
  asked.cached = exchange && !exchange->reply.authoritative;
}

Task<> ask_dns(runtime::Clock& clock, const DnsQuestion& question, Asked& asked) {
  auto made = resolver::make_resolver(question.options, clock, co_await runtime::current_executor());
  if (!made) {
    asked.answer.emplace(fail(std::move(made.error())));
    co_return;
  }
  asked.answer.emplace(co_await (*made)->resolve(question.name, question.type));
  asked.unvalidated_because = resolver::unvalidated_because(**made);
  const resolver::Source& source = question.options.source;
  asked.authoritative = std::holds_alternative<resolver::ZoneFile>(source);
  asked.cached = std::holds_alternative<resolver::SystemServers>(source);
  if (const auto* server = std::get_if<net::Endpoint>(&source)) co_await ask_server(clock, question, *server, asked);
}

json::array answers_json(const dns::Answer& answer, const Asked& asked) {
  json::array out;
  for (const dns::Record& record : answer.records()) {
    out.emplace_back(json::object{{"name", record.owner.text()},
                                  {"type", dns::text(record.type)},
                                  {"data", json_text(dns::text(record.data))},
                                  {"ttl", record.ttl_seconds},
                                  {"server", asked.server.empty() ? answer.source() : asked.server},
                                  {"authoritative", asked.authoritative},
                                  {"cached", asked.cached},
                                  {"validated", answer.secure()}});
  }
  return out;
}

std::string validation_words(const dns::Answer& answer, const Asked& asked) {
  if (answer.secure()) return "validated";
  return asked.unvalidated_because.empty() ? "not validated" : "not validated: " + asked.unvalidated_because;
}

std::string origin_text(const Asked& asked, std::uint32_t ttl_seconds) {
  if (asked.authoritative) return ", authoritative";
  if (asked.cached) return fmt::format(", from its cache, {} seconds left", ttl_seconds);
  return {};
}

void print_answer(const Invocation& v, const dns::Answer& answer, const Asked& asked) {
  if (!v.json()) {
    std::string out;
    for (const dns::Record& record : answer.records()) out += dns::text(record) + "\n";
    if (!answer.records().empty()) {
      out += fmt::format(";; from {}{}, {}\n", asked.server.empty() ? answer.source() : asked.server,
                         origin_text(asked, answer.ttl_seconds()), validation_words(answer, asked));
    }
    return print(out);
  }
  json::array aliases;
  for (const dns::Name& name : answer.cname_chain()) aliases.emplace_back(name.text());
  print(json::serialize(json::object{{"name", answer.question().text()},
                                     {"type", dns::text(answer.type())},
                                     {"status", dns::text(answer.status())},
                                     {"aliases", std::move(aliases)},
                                     {"ttl", answer.ttl_seconds()},
                                     {"validated", answer.secure()},
                                     {"validation", validation_words(answer, asked)},
                                     {"answers", answers_json(answer, asked)}}) +
        "\n");
}

// ---------------------------------------------------------------- authoritative answers, server by server

using resolver::Delegation;

/// What one server of the zone said.
struct Said {
  resolver::ZoneServer server;
  Result<resolver::Exchange, resolver::ClientFailure> got;
};

struct Way {
  resolver::DelegationStart start;
  dns::Name name;
  dns::RecordType type = dns::RecordType::soa;
  Delegation found;
  std::vector<Said> said;
};

/// The way down to the zone, then the question to each of its servers.
Task<> go(runtime::Clock& clock, Way& way) {
  runtime::SystemRandom random;
  net::Loop loop(co_await runtime::current_executor(), clock);
  resolver::DnsClient client(loop, random);
  resolver::Delegations delegations(client, clock, way.start);
  way.found = co_await delegations.trace(way.name);
  const dns::Question question{way.name, way.type};
  for (const resolver::ZoneServer& server : way.found.servers) {
    auto got = co_await client.ask(server.endpoint, question);
    way.said.push_back({server, std::move(got)});
  }
}

json::object said_json(const Said& said, const dns::Question& question) {
  json::object out{{"server", said.server.text()}};
  if (!said.got) {
    out["status"] = dns::text(said.got.error().status);
    out["reason"] = said.got.error().reason;
    return out;
  }
  const dns::Answer answer = resolver::answer_from(question, *said.got, said.server.text());
  out["status"] = dns::text(answer.status());
  out["authoritative"] = said.got->reply.authoritative;
  out["serial"] = said.got->reply.soa ? json::value(said.got->reply.soa->serial) : json::value(nullptr);
  json::array data;
  for (const dns::Record& record : answer.records()) data.emplace_back(json_text(dns::text(record.data)));
  out["data"] = std::move(data);
  out["ttl"] = answer.ttl_seconds();
  return out;
}

json::array records_json(const Said& said, const dns::Question& question) {
  json::array out;
  if (!said.got) return out;
  const dns::Answer answer = resolver::answer_from(question, *said.got, said.server.text());
  for (const dns::Record& record : answer.records())
    out.emplace_back(json::object{{"name", record.owner.text()},
                                  {"type", dns::text(record.type)},
                                  {"data", json_text(dns::text(record.data))},
                                  {"ttl", record.ttl_seconds},
                                  {"server", said.server.text()},
                                  {"authoritative", said.got->reply.authoritative},
                                  {"cached", false},
                                  {"validated", false}});
  return out;
}

std::string said_text(const Said& said, const dns::Question& question) {
  if (!said.got) return fmt::format(";; {}: {}\n", said.server.text(), said.got.error().reason);
  const dns::Answer answer = resolver::answer_from(question, *said.got, said.server.text());
  std::string out = fmt::format(";; {}, {}\n", said.server.text(),
                                said.got->reply.authoritative ? "authoritative" : "not authoritative");
  for (const dns::Record& record : answer.records()) out += dns::text(record) + "\n";
  if (answer.records().empty()) out += fmt::format(";; {} {}\n", dns::text(answer.status()), answer.reason());
  return out;
}

Exit query_servers(const Invocation& v, Way way) {
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return go(clock, way); });
  const dns::Question question{way.name, way.type};
  bool answered = false, definite = false;
  json::array servers, answers;
  std::string text;
  for (const Said& said : way.said) {
    servers.emplace_back(said_json(said, question));
    for (json::value& one : records_json(said, question)) answers.push_back(std::move(one));
    text += said_text(said, question);
    if (!said.got) continue;
    const dns::Status status = resolver::answer_from(question, *said.got, {}).status();
    answered |= status == dns::Status::ok;
    definite |= dns::is_definite(status);
  }
  if (v.json())
    print(json::serialize(json::object{{"name", way.name.text()},
                                       {"type", dns::text(way.type)},
                                       {"zone", way.found.zone.text()},
                                       {"status", answered   ? "ok"
                                                  : definite ? "no such record"
                                                             : "timeout"},
                                       {"servers", std::move(servers)},
                                       {"answers", std::move(answers)}}) +
          "\n");
  else
    print(text);
  if (answered) return Exit::done;
  return report({definite ? ProblemKind::no : ProblemKind::unavailable,
                 fmt::format("{} {}", way.name.text(), dns::text(way.type)),
                 way.found.problem.empty() ? "no server has an answer" : way.found.problem,
                 definite ? "" : "look at the network, or name a server to begin at: --dns authoritative@ADDRESS"});
}

json::object step_json(const resolver::TraceStep& step) {
  json::object out{{"zone", step.zone.text()}, {"server", step.server.text()}};
  if (!step.exchange) {
    out["result"] = "no answer";
    out["reason"] = step.failure;
    return out;
  }
  const dns::Reply& reply = step.exchange->reply;
  out["result"] = dns::text(reply.kind);
  out["authoritative"] = reply.authoritative;
  out["leads_to"] = reply.zone.text();
  out["signed"] = reply.has_ds;
  json::array ns;
  for (const dns::NameServer& server : reply.servers) {
    json::array addresses;
    for (const IpAddress& address : server.addresses) addresses.emplace_back(address.text());
    ns.emplace_back(json::object{{"name", server.host.text()}, {"glue", std::move(addresses)}});
  }
  out["name_servers"] = std::move(ns);
  out["ttl"] = reply.ttl_seconds;
  out["milliseconds"] = std::chrono::duration_cast<std::chrono::milliseconds>(step.exchange->took).count();
  return out;
}

std::string step_text(const resolver::TraceStep& step) {
  std::string out = fmt::format("{} asked {}: ", step.zone.text(), step.server.text());
  if (!step.exchange) return out + step.failure + "\n";
  const dns::Reply& reply = step.exchange->reply;
  out += fmt::format("{}{}\n", dns::text(reply.kind), reply.authoritative ? ", authoritative" : "");
  for (const dns::NameServer& server : reply.servers) {
    out += fmt::format("  {} NS {}", reply.zone.text(), server.host.text());
    for (const IpAddress& address : server.addresses) out += " " + address.text();
    out += "\n";
  }
  return out;
}

Exit trace(const Invocation& v) {
  const auto name = name_of(v, "DOMAIN");
  if (!name) return report(name.error());
  auto source = resolver::parse_source(v.has("--dns") ? v.get("--dns") : "authoritative");
  if (!source) return report(source.error());
  Way way;
  way.name = *name;
  if (const auto* authoritative = std::get_if<resolver::Authoritative>(&*source))
    way.start = resolver::delegation_start(*authoritative);
  else if (const auto* server = std::get_if<net::Endpoint>(&*source))
    way.start = resolver::delegation_start({*server});
  else
    return report({ProblemKind::usage, "--dns " + text::printable(v.get("--dns")), "there are no referrals to follow",
                   "give authoritative, authoritative@ADDRESS[:PORT] or ADDRESS[:PORT]"});
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return go(clock, way); });
  const dns::Question question{way.name, way.type};
  json::array steps, servers;
  std::string text;
  for (const resolver::TraceStep& step : way.found.steps) {
    steps.emplace_back(step_json(step));
    text += step_text(step);
  }
  for (const Said& said : way.said) {
    servers.emplace_back(said_json(said, question));
    text += said_text(said, question);
  }
  if (v.json())
    print(json::serialize(json::object{{"domain", way.name.text()},
                                       {"zone", way.found.zone.text()},
                                       {"exists", !way.found.name_is_absent},
                                       {"signed", way.found.has_ds},
                                       {"steps", std::move(steps)},
                                       {"servers", std::move(servers)}}) +
          "\n");
  else
    print(text);
  if (!way.found.problem.empty())
    return report({ProblemKind::unavailable, way.name.text(), way.found.problem, "look at the network"});
  return way.found.name_is_absent ? Exit::no : Exit::done;
}

Exit query(const Invocation& v) {
  const auto type = dns::parse_record_type(v.get("TYPE"));
  if (!type) {
    return report(
        {ProblemKind::usage, text::printable(v.get("TYPE")), "this is no record type", "write MX, TXT, A … or TYPE65"});
  }
  const auto name = dns::Name::parse(v.get("NAME"));
  if (!name)
    return report({ProblemKind::usage, fmt::format("NAME '{}'", text::printable(v.get("NAME"))),
                   std::string(dns::text(name.error())), "write it like _dmarc.example.org"});
  auto source = resolver::parse_source(v.has("--dns") ? v.get("--dns") : "system");
  if (!source) return report(source.error());
  if (const auto* authoritative = std::get_if<resolver::Authoritative>(&*source))
    return query_servers(v, {resolver::delegation_start(*authoritative), *name, *type, {}, {}});
  DnsQuestion question{{}, *name, *type};
  question.options.source = std::move(*source);
  runtime::SystemClock clock;
  Asked asked;
  runtime::run_to_end([&] { return ask_dns(clock, question, asked); });
  if (!*asked.answer) return report(asked.answer->error());
  const dns::Answer& answer = **asked.answer;
  print_answer(v, answer, asked);
  if (answer.status() == dns::Status::ok) return Exit::done;
  const bool definite = dns::is_definite(answer.status());
  return report({definite ? ProblemKind::no : ProblemKind::unavailable,
                 fmt::format("{} {}", answer.question().text(), dns::text(answer.type())),
                 answer.reason().empty() ? std::string(dns::text(answer.status()))
                                         : fmt::format("{}: {}", dns::text(answer.status()), answer.reason()),
                 definite ? "look at the spelling, or ask the zone's own servers: --dns authoritative"
                          : "ask another server with --dns, or try again later"});
}

}  // namespace
}  // namespace dns_noun

const std::vector<Verb>& dns_verbs() {
  using namespace dns_noun;
  static const std::vector<Verb> verbs{
      {"dns query",
       "ask the DNS, and say who answered and whether it was validated",
       "  posthorn dns query MX example.org\n"
       "  posthorn dns query TXT _dmarc.example.org --dns 192.0.2.53\n"
       "  posthorn dns query A mail.alpha.example --dns zone:alpha.zone",
       {{"TYPE", "MX, TXT, A, AAAA, TLSA …"}, {"NAME", "the name"}},
       {dns_option},
       query},
      {"dns trace",
       "follow the referrals from the roots to a domain's name servers, and ask each of them",
       "Each step shows the server asked, the name servers it refers to, and their addresses where it gives them.\n"
       "At the end every server of the zone says its serial, so that one that is behind is seen.\n\n"
       "  posthorn dns trace example.org\n"
       "  posthorn dns trace example.org --dns authoritative@192.0.2.53",
       {{"DOMAIN", "the domain"}},
       {{"--dns", "SOURCE", "authoritative (default), or authoritative@ADDRESS[:PORT] to begin at a server"}},
       trace},
  };
  return verbs;
}

}  // namespace posthorn::cli
