// CAPABILITY, ID, ENABLE, STARTTLS, IDLE, LOGOUT: what the machine answers itself.
#include "foundation/text/ascii.h"
#include "standards/imap/server_core.h"

namespace posthorn::imap::server {
namespace {

// RFC 2971 3.3: at most 30 pairs, names of 30 and values of 1,024 octets.
constexpr std::size_t id_fields_max = 30;
constexpr std::size_t id_value_octets_max = 1024;

// id = "ID" SP id-params-list; id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil
std::vector<std::pair<std::string, std::string>> id_fields(Scanner& in) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (in.accept_word("NIL")) return fields;
  in.expect('(');
  if (in.accept(')')) return fields;
  do {
    if (fields.size() == id_fields_max) {
      in.fail("Too many fields in ID");
      break;
    }
    auto name = in.string();
    in.space();
    auto value = in.nstring().value_or("");
    if (value.size() > id_value_octets_max) in.fail("A value of ID is too long");
    fields.emplace_back(std::move(name), std::move(value));
  } while (in.ok() && in.accept(' '));
  in.expect(')');
  return fields;
}

struct Enabling {
  Encoding encoding;
  std::string words;
};

void enable_word(Enabling& enabling, std::string_view word) {
  auto& encoding = enabling.encoding;
  const auto before = encoding;
  std::string_view name;
  if (text::iequals(word, "IMAP4rev2")) {
    encoding.rev2 = true;
    name = "IMAP4rev2";
  } else if (text::iequals(word, "UTF8=ACCEPT")) {
    encoding.utf8_accept = true;
    name = "UTF8=ACCEPT";
  } else if (text::iequals(word, "CONDSTORE")) {
    encoding.condstore = true;
    name = "CONDSTORE";
  } else if (text::iequals(word, "QRESYNC")) {
    // RFC 7162 3.2.3: implies CONDSTORE.
    encoding.condstore = encoding.qresync = true;
    name = "QRESYNC";
  }
  // RFC 5161 3.1: what is unknown is ignored, what was enabled before is not told again.
  const bool is_new = encoding.rev2 != before.rev2 || encoding.utf8_accept != before.utf8_accept ||
                      encoding.condstore != before.condstore || encoding.qresync != before.qresync;
  if (!is_new) return;
  if (!enabling.words.empty()) enabling.words += ' ';
  enabling.words += name;
}

}  // namespace

void cmd_capability(Core& core, Scanner&, bool) {
  core.writer.capability(capability_words(core.capability_facts()));
  core.respond(Condition::ok, {}, "CAPABILITY completed");
}

void cmd_logout(Core& core, Scanner&, bool) {
  core.writer.bye({}, "Logging out");
  core.respond(Condition::ok, {}, "LOGOUT completed");
  core.close(CloseReason::logout);
}

void cmd_id(Core& core, Scanner& in, bool) {
  auto fields = id_fields(in);
  in.end();
  if (!in.ok()) return core.refuse(*in.fault());
  core.writer.id(core.settings->id);
  core.respond(Condition::ok, {}, "ID completed");
  core.push(ClientId{std::move(fields)});
}

// enable = "ENABLE" 1*(SP capability)
void cmd_enable(Core& core, Scanner& in, bool) {
  Enabling enabling{core.writer.encoding(), {}};
  do enable_word(enabling, in.atom());
  while (in.ok() && in.accept(' '));
  in.end();
  if (!in.ok()) return core.refuse(*in.fault());
  const bool is_condstore_new = enabling.encoding.condstore && !core.writer.encoding().condstore;
  core.writer.set_encoding(enabling.encoding);
  core.writer.enabled(enabling.words);
  // RFC 7162 3.1: the first command that enables CONDSTORE while a mailbox is selected is told its HIGHESTMODSEQ.
  if (is_condstore_new && core.state == State::selected) {
    core.is_condstore_new = true;
    return core.execute(NoopCommand{.is_enable = true});
  }
  core.respond(Condition::ok, {}, "ENABLE completed");
}

void cmd_starttls(Core& core, Scanner&, bool) {
  if (!core.settings->starttls || core.tls) {
    return core.refuse({.is_bad = true, .code = {}, .text = "STARTTLS is not offered here"});
  }
  // RFC 9051 6.2.1: what was sent in clear behind it could have come from anybody.
  if (!core.input.empty()) {
    core.refuse({.is_bad = true, .code = {}, .text = "Nothing may follow STARTTLS before the handshake"});
    return core.close(CloseReason::protocol);
  }
  core.respond(Condition::ok, {}, "Begin TLS negotiation now");
  core.push(StartTls{});
}

void cmd_idle(Core& core, Scanner&, bool) {
  core.writer.continuation("idling");
  core.reading = Reading::idle;
  core.is_idling = true;
  core.execute(IdleCommand{});
}

}  // namespace posthorn::imap::server
