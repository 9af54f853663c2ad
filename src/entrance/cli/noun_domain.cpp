// domain add|list|show|remove.
#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

void put_line(std::string& out, const json::object& d) {
  out += fmt::format("{:<34} {:<11} {}\n", member(d, "domain"), member(d, "state"),
                     member(d, "hosted") == "yes" ? "mail is here" : "mail is elsewhere");
}

void put_whole(std::string& out, const json::object& d) {
  put_line(out, d);
  if (const std::string who = member(d, "postmaster"); !who.empty()) out += fmt::format("  postmaster  {}\n", who);
  for (const char* const kind : {"accounts", "addresses", "groups"}) {
    if (const std::string list = member(d, kind); !list.empty()) out += fmt::format("  {:<11} {}\n", kind, list);
  }
}

Exit add(const Invocation& v) {
  json::object arguments{{"domain", v.get("DOMAIN")}, {"state", v.get("--state")}};
  if (v.has("--elsewhere")) arguments["elsewhere"] = "true";
  return ask(v, std::move(arguments), {.value = put_line});
}
Exit list(const Invocation& v) {
  return ask(v, {},
             {.head = "domain                             state       mail",
              .item = put_line,
              .nothing = "There are no domains yet: posthorn domain add DOMAIN"});
}
Exit show(const Invocation& v) {
  return ask(v, {{"domain", v.get("DOMAIN")}}, {.value = put_whole});
}
Exit remove(const Invocation& v) {
  return ask(v, {{"domain", v.get("DOMAIN")}}, {});
}

const Argument domain{"DOMAIN", "the domain, in either form (bücher.example, xn--bcher-kva.example)"};

}  // namespace

const std::vector<Verb>& domain_verbs() {
  static const std::vector<Verb> verbs{
      {"domain add",
       "take mail for a domain, or know it for its DNS",
       "Mail for the domain is accepted as soon as this returns. Its MX record should lead here before or soon after.\n"
       "With --elsewhere its mailboxes stay where they are; with --state parked it takes and sends no mail at all.\n\n"
       "  posthorn domain add example.org\n"
       "  posthorn domain add example.net --state parked",
       {domain},
       {{"--state", "STATE", "draft (default), testing, enforcing, leaving, migrated or parked"},
        {"--elsewhere", "", "its mailboxes are at another provider"}},
       add},
      {"domain list", "every domain", "", {}, {}, list},
      {"domain show", "a domain and what stands in it", "", {domain}, {}, show},
      {"domain remove", "forget a domain that nothing stands in any more", "", {domain}, {}, remove},
  };
  return verbs;
}

}  // namespace posthorn::cli
