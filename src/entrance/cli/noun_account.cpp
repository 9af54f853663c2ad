// account add|list|show|set|remove.
#include <algorithm>

#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace account_noun {
namespace {

namespace json = boost::json;

std::uint64_t number(const json::object& object, std::string_view key) {
  const auto* const value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<std::uint64_t>();
}

std::string quota_text(const json::object& account) {
  const std::uint64_t quota = number(account, "quota");
  return quota == 0 ? "no quota" : "quota " + octets_text(quota);
}

void put_line(std::string& out, const json::object& a) {
  const std::string state = member(a, "enabled") == "yes" ? "" : ", switched off";
  out += fmt::format("{:<34} {}{}\n", member(a, "account"), quota_text(a), state);
}

void put_whole(std::string& out, const json::object& a) {
  put_line(out, a);
  if (a.contains("used")) {
    out += fmt::format("  holds       {} in {} messages\n", octets_text(number(a, "used")), number(a, "messages"));
  }
  for (const char* const kind : {"addresses", "groups", "logins"}) {
    if (const std::string list = member(a, kind); !list.empty()) out += fmt::format("  {:<11} {}\n", kind, list);
  }
  if (member(a, "password") == "no") out += "  it has no main password: only application logins open it\n";
}

/// Adds the password of --password-file to the arguments.
std::optional<Exit> take_password(const Invocation& v, json::object& arguments) {
  if (!v.has("--password-file")) return std::nullopt;
  const auto secret = read_secret(v.get("--password-file"));
  if (!secret) return report(secret.error());
  arguments["password"] = *secret;
  return std::nullopt;
}

Exit add(const Invocation& v) {
  json::object arguments{{"address", v.get("ADDRESS")}, {"quota", v.get("--quota")}};
  if (const auto failed = take_password(v, arguments)) return *failed;
  return ask(v, std::move(arguments), {.value = put_line});
}

Exit set(const Invocation& v) {
  const auto given = [&v](const Option& option) { return v.has(option.name); };
  if (std::ranges::none_of(v.verb().options, given)) {
    return report({ProblemKind::usage, "account set", "nothing is named that should change",
                   "posthorn account set --help shows what can be set"});
  }
  json::object arguments{{"address", v.get("ADDRESS")}, {"quota", v.get("--quota")}};
  if (v.has("--enable") && v.has("--disable")) {
    return report({ProblemKind::usage, "account set", "--enable and --disable together", "choose one"});
  }
  if (v.has("--enable")) arguments["enabled"] = true;
  if (v.has("--disable")) arguments["enabled"] = false;
  if (v.has("--postmaster")) arguments["postmaster"] = "true";
  if (const auto failed = take_password(v, arguments)) return *failed;
  return ask(v, std::move(arguments), {.value = put_line});
}

Exit list(const Invocation& v) {
  return ask(v, {}, {.item = put_line, .nothing = "There are no accounts yet: posthorn account add ADDRESS"});
}
Exit show(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}}, {.value = put_whole});
}
Exit remove(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}, {"override", v.get("--override")}}, {});
}

const Argument address{"ADDRESS", "the account's own address"};
const Option password{"--password-file", "FILE", "its first line is the main password; - is standard input"};
const Option quota{"--quota", "SIZE", "\"2GB\", or none"};

}  // namespace
}  // namespace account_noun

const std::vector<Verb>& account_verbs() {
  using namespace account_noun;
  static const std::vector<Verb> verbs{
      {"account add",
       "a mailbox for somebody, in a domain that is here",
       "Without --password-file only application logins open it (posthorn login add). A password is never taken from\n"
       "the command line, where every user of the machine could read it.\n\n"
       "  posthorn account add ann@example.org --password-file ann.password\n"
       "  pwgen 20 1 | posthorn account add bob@example.org --password-file - --quota 2GB",
       {address},
       {password, quota},
       add},
      {"account list", "every account", "", {}, {}, list},
      {"account show", "an account with its addresses, logins and use", "", {address}, {}, show},
      {"account set",
       "change password, quota or state",
       "A changed password and --disable end sessions that are open. Mail for a disabled account is refused (550 "
       "5.2.1).\n\n"
       "  posthorn account set ann@example.org --quota none\n"
       "  posthorn account set bob@example.org --disable",
       {address},
       {password,
        quota,
        {"--enable", "", "switch on"},
        {"--disable", "", "switch off; mail and logins are refused, nothing is removed"},
        {"--postmaster", "", "make it the one that answers postmaster@, abuse@ … of every domain"}},
       set},
      {"account remove",
       "remove an account with all its mail, logins and addresses",
       "There is no way back but a backup (posthorn backup DIR). The last account of a domain that has left (posthorn "
       "domain\n"
       "leave) stays while mail may still come by its old MX records.",
       {address},
       {{"--override", "DOMAIN", "the domain's name: remove its last account although mail may still come"}},
       remove},
  };
  return verbs;
}

}  // namespace posthorn::cli
