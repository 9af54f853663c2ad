// login add|list|revoke.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace login_noun {
namespace {

namespace json = boost::json;

void put_secret(std::string& out, const json::object& l) {
  out += fmt::format("login   {}\nsecret  {}\n\nThe secret is shown this once and stored nowhere.\n",
                     member(l, "login"), member(l, "secret"));
}

void put_line(std::string& out, const json::object& l) {
  const std::string used = member(l, "last_used");
  out +=
      fmt::format("{:<38} {:<16} {:<16} {}\n", member(l, "login"), member(l, "label"), member(l, "scope"),
                  used.empty() ? "never used" : fmt::format("last used {} from {}", used, member(l, "last_used_from")));
}

void put_revoked(std::string& out, const json::object& l) {
  out += fmt::format("{} is revoked; its sessions are ended.\n", member(l, "revoked"));
}

Exit add(const Invocation& v) {
  const std::string scope = v.has("--scope") ? v.get("--scope") : "smtp,imap,pop3";
  return ask(v, {{"address", v.get("ADDRESS")}, {"label", v.get("LABEL")}, {"scope", scope}}, {.value = put_secret});
}
Exit list(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}}, {.item = put_line, .nothing = "There are no application logins."});
}
Exit revoke(const Invocation& v) {
  return ask(v, {{"login", v.get("LOGIN")}, {"label", v.get("LABEL")}}, {.value = put_revoked});
}

}  // namespace
}  // namespace login_noun

const std::vector<Verb>& login_verbs() {
  using namespace login_noun;
  static const std::vector<Verb> verbs{
      {"login add",
       "a login with a generated secret for one device or application",
       "Each device gets its own name and secret, so that one can be revoked without touching the others. It can be\n"
       "used with SCRAM-SHA-256, and with PLAIN under the login's name or the account's address.\n\n"
       "  posthorn login add ann@example.org phone\n"
       "  posthorn login add ann@example.org scanner --scope smtp --json",
       {{"ADDRESS", "the account"}, {"LABEL", "what its owner calls it"}},
       {{"--scope", "LIST", "some of smtp,imap,pop3; all where it is not given"}},
       add},
      {"login list",
       "application logins, with their last use",
       "",
       {{"ADDRESS", "of this account only", false}},
       {},
       list},
      {"login revoke",
       "end an application login and the sessions it has open",
       "  posthorn login revoke ann+phone@example.org\n  posthorn login revoke ann@example.org phone",
       {{"LOGIN", "its name, or the account's address with LABEL"}, {"LABEL", "what its owner calls it", false}},
       {},
       revoke},
  };
  return verbs;
}

}  // namespace posthorn::cli
