// message list|show|trace|send, mailbox list.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/message_json.h"
#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace message_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t message_octets_max = 1 * GiB;

/// Characters of the world outside, without what would move a terminal's cursor.
std::string shown(const std::string& text) {
  return text::is_utf8(text) && text.find_first_of("\x1b\r\n\x7f") == std::string::npos ? text : text::printable(text);
}

void put_email(std::string& out, const json::object& m) {
  const std::uint64_t size = m.at("size").to_number<std::uint64_t>();
  out += fmt::format("{}  {}  {:>9}  {}\n{:15}{}\n", member(m, "id"), member(m, "received"), octets_text(size),
                     shown(member(m, "from")), "", shown(member(m, "subject")));
}

void put_mailbox(std::string& out, const json::object& m) {
  const std::string use = member(m, "special_use");
  out += fmt::format("{:<30} {:>8} messages, {:>6} unseen, {:>9}  {}\n", shown(member(m, "mailbox")),
                     member(m, "messages"), member(m, "unseen"), octets_text(m.at("octets").to_number<std::uint64_t>()),
                     use.empty() ? "" : "\\" + use);
}

void put_id(std::string& out, const json::object& m) {
  out += fmt::format("accepted as {}; posthorn message trace {} tells what becomes of it\n", member(m, "id"),
                     member(m, "id"));
}

Exit list(const Invocation& v) {
  return ask(v, {{"account", v.get("ACCOUNT")}, {"mailbox", v.get("--mailbox")}},
             {.item = put_email, .nothing = "There are no messages."});
}
/// The octets, or with --json what is in them.
Exit show(const Invocation& v) {
  if (!v.json()) return ask(v, {{"id", v.get("ID")}}, {});
  const auto config = config_to_ask(v);
  if (!config) return config.error();
  const admin::Request request{"message show", {{"id", v.get("ID")}}, {}, {}};
  Gathered answer;
  if (const auto done = ask_into(*config, request, answer); !done) return report(done.error());
  json::object shown{{"id", v.get("ID")}, {"size", answer.whole.size()}};
  for (auto& [key, value] : message_json(answer.whole)) shown[key] = value;
  print(json::serialize(shown) + "\n");
  return Exit::done;
}
Exit list_mailboxes(const Invocation& v) {
  return ask(v, {{"account", v.get("ACCOUNT")}}, {.item = put_mailbox, .nothing = "There are no mailboxes."});
}

/// One JSON document: the newest story, those before it under "others".
void print_traces(const std::vector<std::string>& traces) {
  std::string out = traces.front();
  if (traces.size() > 1) {
    out.pop_back();
    out += ",\"others\":[";
    for (std::size_t i = 1; i < traces.size(); ++i) out += (i > 1 ? "," : "") + traces[i];
    out += "]}";
  }
  print(out + "\n");
}

Exit trace(const Invocation& v) {
  const auto config = config_to_ask(v);
  if (!config) return config.error();
  admin::Request request{.verb = "message trace", .arguments = {{"what", v.get("WHAT")}}, .input = {}, .by = {}};
  if (!v.json()) request.arguments["text"] = "true";
  Gathered answer;
  if (const auto done = ask_into(*config, request, answer); !done) return report(done.error());
  if (answer.items.empty()) return Exit::no;
  if (v.json()) {
    print_traces(answer.items);
    return Exit::done;
  }
  for (std::size_t i = 0; i < answer.items.size(); ++i) {
    if (i > 0) print("\n----\n\n");
    print(member(json::parse(answer.items[i]).as_object(), "text"));
  }
  return Exit::done;
}

Exit send(const Invocation& v) {
  auto message = read_input(v.get("FILE"), message_octets_max);
  if (!message) return report(message.error());
  json::array to;
  for (const std::string& address : v.all("--to")) to.emplace_back(address);
  return ask(v, {{"from", v.get("--from")}, {"to", std::move(to)}}, {.value = put_id}, std::move(*message));
}

const Argument account{"ACCOUNT", "an account's address"};

}  // namespace
}  // namespace message_noun

const std::vector<Verb>& message_verbs() {
  using namespace message_noun;
  static const std::vector<Verb> verbs{
      {"message list",
       "the messages of a mailbox",
       "",
       {account},
       {{"--mailbox", "NAME", "INBOX where it is not given"}},
       list},
      {"message show",
       "a message's octets as they are kept",
       "With --json its header and MIME structure, as posthorn parse message tells them.\n\n"
       "  posthorn message show 5jq2h0n3v8x1c | less",
       {{"ID", "from message list, or the id that its peer and its story have"}},
       {},
       show},
      {"message trace",
       "what became of a message, step by step, and why",
       "Refused messages have stories too. The id is what the peer was told after \"accepted as\". A session of the "
       "log or\n"
       "of a greeting gives what it brought.\n\n"
       "  posthorn message trace 5jq2h0n3v8x1c\n"
       "  posthorn message trace '<20261224@example.org>'\n"
       "  posthorn message trace bob@beta.example",
       {{"WHAT", "an id, a session, a Message-ID, or an address: then its latest messages"}},
       {},
       trace},
      {"message send",
       "hand in a message as one of the accounts here",
       "Date and Message-ID are added where they are missing. The author must be the account's own address.\n\n"
       "  posthorn message send --from ann@example.org --to bob@beta.example letter.eml",
       {{"FILE", "the message; - is standard input"}},
       {{"--from", "ADDRESS", "the sender", true}, {"--to", "ADDRESS", "a recipient", true, true}},
       send},
      {"mailbox list", "the mailboxes of an account", "", {account}, {}, list_mailboxes},
  };
  return verbs;
}

}  // namespace posthorn::cli
