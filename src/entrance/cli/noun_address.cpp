// address add|list|remove, group add|list|remove.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace address_noun {
namespace {

namespace json = boost::json;

void put_address(std::string& out, const json::object& a) {
  out += fmt::format("{:<34} → {}\n", member(a, "address"), member(a, "account"));
}
void put_group(std::string& out, const json::object& g) {
  if (g.contains("group")) out += fmt::format("{:<34} → {}\n", member(g, "group"), member(g, "members"));
}

json::array members_of(const Invocation& v) {
  json::array members;
  for (const char* const name : {"--member", "MEMBER"}) {
    for (const std::string& member : v.all(name)) members.emplace_back(member);
  }
  return members;
}

Exit add_address(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}, {"to", v.get("--to")}}, {.value = put_address});
}
Exit list_addresses(const Invocation& v) {
  return ask(v, {}, {.item = put_address, .nothing = "No account has a further address."});
}
Exit remove_address(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}}, {});
}
Exit add_group(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}, {"members", members_of(v)}}, {.value = put_group});
}
Exit list_groups(const Invocation& v) {
  return ask(v, {}, {.item = put_group, .nothing = "There are no groups."});
}
Exit remove_group(const Invocation& v) {
  return ask(v, {{"address", v.get("ADDRESS")}, {"members", members_of(v)}}, {.value = put_group});
}

/// "--member a b c" is the same as "--member a --member b --member c".
const Argument more{"MEMBER", "further members, after --member", false, true};

}  // namespace
}  // namespace address_noun

const std::vector<Verb>& address_verbs() {
  using namespace address_noun;
  static const std::vector<Verb> verbs{
      {"address add",
       "a further address for an account, or a domain's catch-all",
       "The account may also send from it. \"@DOMAIN\" takes whatever nobody else in the domain has.\n\n"
       "  posthorn address add sales@example.org --to ann@example.org\n"
       "  posthorn address add @example.org --to ann@example.org",
       {{"ADDRESS", "the address, or @DOMAIN"}},
       {{"--to", "ACCOUNT", "whose mail it is", true}},
       add_address},
      {"address list", "every further address", "", {}, {}, list_addresses},
      {"address remove",
       "take a further address away",
       "",
       {{"ADDRESS", "the address, or @DOMAIN"}},
       {},
       remove_address},
      {"group add",
       "an address that stands for several accounts here, or more members for one",
       "Members may be groups. They may send as the group. Addresses elsewhere cannot be members yet.\n\n"
       "  posthorn group add team@example.org --member ann@example.org --member bob@example.org",
       {{"ADDRESS", "the group's address"}, more},
       {{"--member", "ADDRESS", "an account, address or group here", true, true}},
       add_group},
      {"group list", "every group with its members", "", {}, {}, list_groups},
      {"group remove",
       "a group, or with --member these members only",
       "",
       {{"ADDRESS", "the group's address"}, more},
       {{"--member", "ADDRESS", "take out this one only", false, true}},
       remove_group},
  };
  return verbs;
}

}  // namespace posthorn::cli
