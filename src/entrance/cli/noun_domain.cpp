// domain add|list|show|remove; of domain set what concerns the mail that comes in.
#include "entrance/cli/ask.h"
#include "entrance/cli/domain_life.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace domain_noun {
namespace {

namespace json = boost::json;

void put_line(std::string& out, const json::object& d) {
  out += fmt::format("{:<34} {:<11} {}\n", member(d, "domain"), member(d, "state"),
                     member(d, "hosted") == "yes" ? "mail is here" : "mail is elsewhere");
}

void put_selectors(std::string& out, const json::object& d) {
  const auto* list = d.if_contains("selectors_seen");
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& each : list->as_array()) {
    const json::object& seen = each.as_object();
    out += fmt::format("  signed with {} ({}, {} bits), last seen {}\n", member(seen, "selector"),
                       member(seen, "algorithm"), member(seen, "key_bits"), member(seen, "last_seen"));
  }
}

/// The DKIM keys and the records they want.
void put_keys(std::string& out, const json::object& d) {
  const auto* keys = d.if_contains("keys");
  if (keys == nullptr || !keys->is_array()) return;
  for (const json::value& key : keys->get_array()) {
    const json::object& k = key.as_object();
    out += fmt::format("  DKIM key    {} ({}), {} since {}\n", member(k, "selector"), member(k, "algorithm"),
                       member(k, "state"), member(k, "since"));
    const json::object& r = k.at("record").as_object();
    out +=
        fmt::format("    {}. {} IN {} {}\n", member(r, "name"), member(r, "ttl"), member(r, "type"), member(r, "data"));
  }
}

void put_added(std::string& out, const json::object& d) {
  put_line(out, d);
  if (const std::string why = member(d, "unsigned"); !why.empty())
    out += fmt::format("  Its mail is not signed with DKIM: {}\n", why);
  put_keys(out, d);
}

void put_whole(std::string& out, const json::object& d) {
  put_line(out, d);
  if (const std::string dmarc = member(d, "inbound_dmarc"); !dmarc.empty())
    out += fmt::format("  mail that fails DMARC under p=reject: {}\n", dmarc);
  if (const std::string failure = member(d, "inbound_dns_failure"); !failure.empty())
    out += fmt::format("  mail whose origin cannot be checked now: {}\n", failure);
  if (const std::string who = member(d, "postmaster"); !who.empty()) out += fmt::format("  postmaster  {}\n", who);
  for (const char* const kind : {"accounts", "addresses", "groups"}) {
    if (const std::string list = member(d, kind); !list.empty()) out += fmt::format("  {:<11} {}\n", kind, list);
  }
  put_keys(out, d);
  put_selectors(out, d);
}

Exit add(const Invocation& v) {
  json::object arguments{{"domain", v.get("DOMAIN")}, {"state", v.get("--state")}};
  if (v.has("--elsewhere")) arguments["elsewhere"] = "true";
  return ask(v, std::move(arguments), {.value = put_added});
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
/// What has left goes when no cache leads mail here any more: the DNS is asked, and what it says is noted. Where it
/// cannot be asked, what was noted before decides.
std::optional<Exit> note_where_mail_goes(const Invocation& v) {
  auto config = load_config(v);
  if (!config) return config.error();
  const runtime::SystemClock clock;
  auto life = DomainLife::find(std::move(*config), v.get("DOMAIN"), clock.now());
  if (!life || life->model.state != domains::State::migrated) return std::nullopt;
  if (look_at_mx(v, *life)) return std::nullopt;
  if (const auto saved = life->save(); !saved) return report(saved.error());
  return std::nullopt;
}

Exit remove(const Invocation& v) {
  if (!v.has("--override"))
    if (const auto failed = note_where_mail_goes(v)) return *failed;
  return ask(v, {{"domain", v.get("DOMAIN")}, {"override", v.get("--override")}}, {});
}

const Argument domain{"DOMAIN", "the domain, in either form (bücher.example, xn--bcher-kva.example)"};

}  // namespace
}  // namespace domain_noun

Exit set_inbound_rules(const Invocation& v) {
  return ask(v,
             {{"domain", v.get("DOMAIN")},
              {"inbound_dmarc", v.get("--inbound-dmarc")},
              {"inbound_dns_failure", v.get("--inbound-dns-failure")}},
             {.value = domain_noun::put_whole});
}
const std::vector<Verb>& domain_verbs() {
  using namespace domain_noun;
  static const std::vector<Verb> verbs{
      {"domain add",
       "take mail for a domain, or know it for its DNS",
       "Mail for the domain is accepted as soon as this returns. Its MX record should lead here before or soon after.\n"
       "DKIM keys are made, and their records printed: they sign once every name server has them (posthorn domain "
       "keys).\n"
       "With --elsewhere its mailboxes stay where they are; with --state parked it takes and sends no mail at all.\n\n"
       "  posthorn domain add example.org\n"
       "  posthorn domain add example.net --state parked",
       {domain},
       {{"--state", "STATE", "draft (default), testing, enforcing, leaving, migrated or parked"},
        {"--elsewhere", "", "its mailboxes are at another provider"}},
       add},
      {"domain list", "every domain", "", {}, {}, list},
      {"domain show", "a domain and what stands in it", "", {domain}, {}, show},
      {"domain remove",
       "forget a domain that nothing stands in any more",
       "Refused while senders may still hold one of its MTA-STS policies, and, after posthorn domain leave, while its "
       "MX\n"
       "leads here or caches may hold the MX records that did. The DNS is asked where its mail goes.",
       {domain},
       {life_dns, {"--override", "DOMAIN", "the domain's name again: remove it although the world still knows it"}},
       remove},
  };
  return verbs;
}

}  // namespace posthorn::cli
