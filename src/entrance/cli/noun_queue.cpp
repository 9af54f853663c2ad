// queue list|show|retry|hold|release|drop.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace queue_noun {
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

/// A mail with all that is known of it.
void put_whole(std::string& out, const json::object& m) {
  put_mail(out, m);
  if (const std::string id = member(m, "message_id"); !id.empty())
    out += fmt::format("    Message-ID  {}\n", text::printable(id, 400));
  for (const json::value& recipient : m.at("recipients").as_array()) {
    const json::object& r = recipient.as_object();
    out += fmt::format("    {} goes to {}, given up at {}\n", text::printable(member(r, "address"), 320),
                       member(r, "next_hop"), member(r, "expires"));
  }
}

/// Counts the recipients that were changed: a queue may be long.
class Counted final : public admin::Answer {
 public:
  Task<admin::Done> item(std::string text) override {
    json::error_code error;
    const json::value mail = json::parse(text, error);
    if (!error) recipients += mail.at("recipients").as_array().size();
    co_return admin::Done{};
  }
  Task<admin::Done> octets(Octets) override { co_return admin::Done{}; }
  Task<admin::Done> value(std::string) override { co_return admin::Done{}; }

  std::size_t recipients = 0;
};

/// FILTER '' comes from an unset variable of somebody's script, and must not mean everything.
std::optional<Problem> empty_filter(const Invocation& v) {
  if (!v.has("FILTER") || !v.get("FILTER").empty()) return std::nullopt;
  return Problem{ProblemKind::usage, std::string(v.verb().name), "FILTER is empty",
                 "name an id, sender, address or domain"};
}

Exit list(const Invocation& v) {
  if (const auto problem = empty_filter(v)) return report(*problem);
  const std::string_view nothing = v.has("FILTER") ? "Nothing that waits matches." : "Nothing waits.";
  return ask(v, {{"filter", v.get("FILTER")}}, {.item = put_mail, .nothing = nothing});
}
Exit show(const Invocation& v) {
  if (const auto problem = empty_filter(v)) return report(*problem);
  return ask(v, {{"filter", v.get("FILTER")}}, {.item = put_whole, .nothing = "Nothing waits."});
}
Exit change(const Invocation& v) {
  if (const auto problem = empty_filter(v)) return report(*problem);
  json::object arguments{{"filter", v.get("FILTER")}};
  if (v.json()) return ask(v, std::move(arguments), {.item = put_mail});
  const auto config = config_to_ask(v);
  if (!config) return config.error();
  const admin::Request request{std::string(v.verb().name), std::move(arguments), {}, {}};
  Counted counted;
  const admin::Done done = ask_into(*config, request, counted);
  if (!done) return report(done.error());
  print(fmt::format("{} recipient{}\n", counted.recipients, counted.recipients == 1 ? "" : "s"));
  return Exit::done;
}
/// What removes mail is never meant for all of it by mistake.
Exit drop(const Invocation& v) {
  if (v.has("FILTER") || v.has("--all")) return change(v);
  return report({ProblemKind::usage, "queue drop", "it would drop everything that waits",
                 "name an id, sender, address or domain, or say --all"});
}

const Argument filter{"FILTER", "an id, sender, recipient or domain; all where it is not given", false};

}  // namespace
}  // namespace queue_noun

const std::vector<Verb>& queue_verbs() {
  using namespace queue_noun;
  static const std::vector<Verb> verbs{
      {"queue list", "mail that waits to leave", "  posthorn queue list beta.example", {filter}, {}, list},
      {"queue show",
       "mail that waits, with all that is known of it",
       "  posthorn queue show 5jq2h0n3v8x1c",
       {filter},
       {},
       show},
      {"queue retry",
       "try again now, although its destination was out of reach",
       "  posthorn queue retry beta.example",
       {filter},
       {},
       change},
      {"queue hold",
       "do not try until released",
       "Waiting recipients keep their place; none is given up while it is held.\n\n"
       "  posthorn queue hold beta.example",
       {filter},
       {},
       change},
      {"queue release", "back into the queue, due now", "  posthorn queue release beta.example", {filter}, {}, change},
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
