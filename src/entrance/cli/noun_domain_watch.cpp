// domain watch: what the server has found at its own checks, and what has changed since.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace domain_watch_noun {
namespace {

namespace json = boost::json;

void put_summary(std::string& out, const json::object& d) {
  const std::string last = member(d, "last_check");
  out += fmt::format("{:<34} {:<10} {:<21} {:>6} {:>8}\n", member(d, "domain"), member(d, "state"),
                     last.empty() ? "not yet" : last, member(d, "errors"), member(d, "warnings"));
}

const json::array& list_of(const json::object& d, const char* name) {
  static const json::array none;
  const auto* list = d.if_contains(name);
  return list != nullptr && list->is_array() ? list->as_array() : none;
}

std::string head(const json::object& d) {
  const std::string last = member(d, "last_check"), next = member(d, "next_check");
  std::string out = fmt::format("{}: {}", member(d, "domain"), member(d, "state"));
  if (member(d, "watched") != "yes") return out + ", not watched (domains.watch_interval, domain leave)\n";
  if (last.empty()) return out + ", not looked at yet: the server does it within minutes of its start\n";
  return out + fmt::format(", looked at {}, again {}\n", last, next);
}

void put_whole(std::string& out, const json::object& d) {
  out += head(d);
  if (const std::string problem = member(d, "problem"); !problem.empty())
    out += fmt::format("  Last time nobody answered: {}\n", problem);
  for (const json::value& value : list_of(d, "findings")) {
    const json::object& f = value.as_object();
    const std::string sighting = member(f, "sighting");
    out += fmt::format("\n  {:<8} {}  {}  since {}{}\n    {}\n", member(f, "level"), member(f, "id"), member(f, "name"),
                       member(f, "since"),
                       sighting == "suspected" ? " (seen once; looked at again soon)"
                       : sighting == "doubted" ? " (not seen last time; looked at again soon)"
                                               : "",
                       member(f, "reason"));
    if (const std::string correction = member(f, "correction"); !correction.empty())
      out += fmt::format("    publish: {}\n", correction);
  }
  if (list_of(d, "findings").empty() && !member(d, "last_check").empty()) out += "\n  All well.\n";
  if (list_of(d, "history").empty()) return;
  out += "\nWhat has changed:\n";
  for (const json::value& value : list_of(d, "history")) {
    const json::object& e = value.as_object();
    const std::string told = member(e, "told");
    out += fmt::format("  {}  {:<8} {:<8} {}  {}{}\n", member(e, "at"), member(e, "what"), member(e, "level"),
                       member(e, "id"), member(e, "name"), told.empty() ? "" : "  told by mail " + told);
  }
}

Exit watch(const Invocation& v) {
  if (!v.has("DOMAIN"))
    return ask(v, {},
               {.head = "domain                             state      last check            errors warnings",
                .item = put_summary,
                .nothing = "There are no domains yet: posthorn domain add DOMAIN"});
  auto config = load_config(v);
  if (!config) return config.error();
  Gathered gathered;
  const admin::Request request{"domain watch", {{"domain", v.get("DOMAIN")}}, {}, {}};
  if (const auto done = ask_into(*config, request, gathered); !done) return report(done.error());
  json::error_code error;
  const json::value answer = json::parse(gathered.whole, error);
  if (error || !answer.is_object())
    return report({ProblemKind::unavailable, "domain watch", "the server's answer cannot be read", "try again"});
  if (v.json()) {
    print(gathered.whole + "\n");
  } else {
    std::string out;
    put_whole(out, answer.as_object());
    print(out);
  }
  return member(answer.as_object(), "errors") == "0" ? Exit::done : Exit::no;
}

}  // namespace
}  // namespace domain_watch_noun

const std::vector<Verb>& domain_watch_verbs() {
  using namespace domain_watch_noun;
  static const std::vector<Verb> verbs{
      {"domain watch",
       "what the server's own checks of a domain found, and what has changed",
       "The server checks each of its domains and their watched subdomains (domain set --watch) every\n"
       "domains.watch_interval, as posthorn domain check does. What two checks in a row find counts: it is logged,\n"
       "stands in the metrics, and is told to the postmaster by mail, once, and once more when it is mended\n"
       "(domains.watch_mail; not for drafts). A clean history is what posthorn domain rollout asks for.\n"
       "Exit status 1 where a finding of level error stands. Without DOMAIN: every domain in a line.\n\n"
       "  posthorn domain watch\n"
       "  posthorn domain watch example.org --json",
       {{"DOMAIN", "a domain of this server", false}},
       {},
       watch},
  };
  return verbs;
}

}  // namespace posthorn::cli
