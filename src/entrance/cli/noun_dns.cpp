// dns query.
#include <boost/json.hpp>

#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/loops.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

struct Question {
  resolver::Options options;
  dns::Name name;
  dns::RecordType type;
};
using Asked = Result<dns::Answer, Problem>;

Task<> ask_dns(runtime::Clock& clock, const Question& question, std::optional<Asked>& asked) {
  auto made = resolver::make_resolver(question.options, clock, co_await runtime::current_executor());
  if (!made) {
    asked.emplace(fail(std::move(made.error())));
    co_return;
  }
  asked.emplace(co_await (*made)->resolve(question.name, question.type));
}

json::array answers_json(const dns::Answer& answer, bool is_zone) {
  json::array out;
  for (const dns::Record& record : answer.records()) {
    out.emplace_back(json::object{{"name", record.owner.text()},
                                  {"type", dns::text(record.type)},
                                  {"data", dns::text(record.data)},
                                  {"ttl", record.ttl_seconds},
                                  {"server", answer.source()},
                                  {"authoritative", is_zone},
                                  {"cached", answer.from_cache()},
                                  {"validated", answer.secure()}});
  }
  return out;
}

void print_answer(const Invocation& v, const dns::Answer& answer, bool is_zone) {
  if (!v.json()) {
    std::string out;
    for (const dns::Record& record : answer.records()) out += dns::text(record) + "\n";
    if (!answer.records().empty()) {
      out += fmt::format(";; from {}, {}\n", answer.source(), answer.secure() ? "validated" : "not validated");
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
                                     {"answers", answers_json(answer, is_zone)}}) +
        "\n");
}

Exit query(const Invocation& v) {
  const auto type = dns::parse_record_type(v.get("TYPE"));
  if (!type) {
    return report(
        {ProblemKind::usage, text::printable(v.get("TYPE")), "this is no record type", "write MX, TXT, A … or TYPE65"});
  }
  const auto name = dns::Name::parse(v.get("NAME"));
  if (!name)
    return report({ProblemKind::usage, text::printable(v.get("NAME")), std::string(dns::text(name.error())), ""});
  auto source = resolver::parse_source(v.has("--dns") ? v.get("--dns") : "system");
  if (!source) return report(source.error());
  const bool is_zone = std::holds_alternative<resolver::ZoneFile>(*source);
  Question question{{}, *name, *type};
  question.options.source = std::move(*source);
  runtime::SystemClock clock;
  std::optional<Asked> asked;
  runtime::run_to_end([&] { return ask_dns(clock, question, asked); });
  if (!*asked) return report(asked->error());
  const dns::Answer& answer = **asked;
  print_answer(v, answer, is_zone);
  if (answer.status() == dns::Status::ok) return Exit::done;
  const bool definite = dns::is_definite(answer.status());
  return report({definite ? ProblemKind::no : ProblemKind::unavailable,
                 fmt::format("{} {}", answer.question().text(), dns::text(answer.type())),
                 answer.reason().empty() ? std::string(dns::text(answer.status()))
                                         : fmt::format("{}: {}", dns::text(answer.status()), answer.reason()),
                 definite ? "" : "ask another server with --dns, or try again later"});
}

}  // namespace

const std::vector<Verb>& dns_verbs() {
  static const std::vector<Verb> verbs{
      {"dns query",
       "ask the DNS, and say who answered and whether it was validated",
       "  posthorn dns query MX example.org\n"
       "  posthorn dns query TXT _dmarc.example.org --dns 192.0.2.53\n"
       "  posthorn dns query A mail.alpha.example --dns zone:alpha.zone",
       {{"TYPE", "MX, TXT, A, AAAA, TLSA …"}, {"NAME", "the name"}},
       {{"--dns", "SOURCE", "system (default), recursive, ADDRESS[:PORT] or zone:FILE"}},
       query},
  };
  return verbs;
}

}  // namespace posthorn::cli
