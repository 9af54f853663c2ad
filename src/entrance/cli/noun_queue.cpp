// queue list|show|retry|hold|release|drop.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

void put_recipient(std::string& out, const json::object& r) {
  const std::string next = member(r, "next_attempt");
  const std::string attempts = member(r, "attempts");
  out += fmt::format("    {:<36} {}{}, {} attempt{}\n", text::printable(member(r, "address"), 320), member(r, "state"),
                     next.empty() ? "" : ", next at " + next, attempts, attempts == "1" ? "" : "s");
  if (const std::string reply = member(r, "last_reply"); !reply.empty()) {
    out += fmt::format("      {}\n", text::printable(reply, 400));
  }
}

void put_mail(std::string& out, const json::object& m) {
  const std::string sender = member(m, "sender");
  const std::uint64_t size = m.at("size").to_number<std::uint64_t>();
  out += fmt::format("{}  {}  {}  from <{}>\n", member(m, "id"), member(m, "arrived"), octets_text(size),
                     text::printable(sender, 320));
  for (const json::value& recipient : m.at("recipients").as_array()) put_recipient(out, recipient.as_object());
}

void put_count(std::string& out, const json::object& c) {
  const std::string count = member(c, "recipients");
  if (count != "0") out += fmt::format("{} recipient{}\n", count, count == "1" ? "" : "s");
}

Exit list(const Invocation& v) {
  return ask(v, {{"filter", v.get("FILTER")}}, {.item = put_mail, .nothing = "Nothing waits."});
}
Exit show(const Invocation& v) {
  return ask(v, {{"id", v.get("ID")}}, {.value = put_mail});
}
Exit change(const Invocation& v) {
  return ask(v, {{"filter", v.get("FILTER")}}, {.value = put_count});
}
/// What removes mail is never meant for all of it by mistake.
Exit drop(const Invocation& v) {
  if (v.has("FILTER") || v.has("--all")) return change(v);
  return report({ProblemKind::usage, "queue drop", "it would drop everything that waits",
                 "name an id, sender, address or domain, or say --all"});
}

const Argument filter{"FILTER", "an id, sender, recipient or domain; all where it is not given", false};

}  // namespace

const std::vector<Verb>& queue_verbs() {
  static const std::vector<Verb> verbs{
      {"queue list", "mail that waits to leave", "", {filter}, {}, list},
      {"queue show", "one mail that waits", "", {{"ID", "its id"}}, {}, show},
      {"queue retry", "try again now", "  posthorn queue retry beta.example", {filter}, {}, change},
      {"queue hold", "do not try until released", "", {filter}, {}, change},
      {"queue release", "back into the queue, due now", "", {filter}, {}, change},
      {"queue drop",
       "remove without a report to the sender; the story remembers it",
       "",
       {filter},
       {{"--all", "", "everything"}},
       drop},
  };
  return verbs;
}

}  // namespace posthorn::cli
