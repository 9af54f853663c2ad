#include "standards/imap/server_core.h"

#include <algorithm>

#include "foundation/base/require.h"
#include "foundation/crypto/random.h"
#include "foundation/text/ascii.h"

namespace posthorn::imap::server {

static_assert(command_octets_unauthenticated_max < command_octets_max);
static_assert(command_octets_max >= 8192, "RFC 7162 4");

namespace {

constexpr std::string_view session_name = "imap server session";

Open opened_by(const Event& event) {
  if (std::holds_alternative<Connected>(event)) return Open::greeting;
  if (std::holds_alternative<CheckPassword>(event)) return Open::password;
  if (std::holds_alternative<FindScramVerifier>(event)) return Open::scram;
  if (std::holds_alternative<Execute>(event)) return Open::execution;
  if (std::holds_alternative<AppendBegins>(event)) return Open::append_begins;
  if (std::holds_alternative<AppendPart>(event)) return Open::append_part;
  if (std::holds_alternative<AppendEnds>(event)) return Open::append_ends;
  if (std::holds_alternative<IdleEnds>(event)) return Open::execution;
  return Open::nothing;
}

std::string_view word(Condition condition) {
  switch (condition) {
    case Condition::ok:
      return "OK";
    case Condition::no:
      return "NO";
    case Condition::bad:
      return "BAD";
  }
  return {};
}

}  // namespace

Core::Core(const Settings& session_settings, PeerFacts session_peer)
    : settings(&session_settings), peer(session_peer) {}

// ---- events ----------------------------------------------------------------------------------------------------

Event Core::next() {
  require(open == Open::nothing, session_name, "next() was called while an answer is owed");
  for (;;) {
    if (!events.empty()) return take_event();
    if (closed) return Close{*closed};
    if (!is_greeting_told) {
      is_greeting_told = true;
      push(Connected{});
      continue;
    }
    if (ending && is_between_commands()) {
      end_if_wanted();
      continue;
    }
    if (writer.size() > output_octets_max) return FlushOutput{};
    if (!step()) {
      events = {};  // an idle session holds nothing it does not need
      return NeedInput{};
    }
  }
}

Event Core::take_event() {
  Event event = std::move(events.front());
  events.erase(events.begin());
  open = opened_by(event);
  if (auto* execution = std::get_if<Execute>(&event); execution && is_idling) open = Open::nothing;
  if (std::holds_alternative<StartTls>(event)) is_tls_pending = true;
  return event;
}

void Core::receive(std::string_view octets) {
  require(input.empty(), session_name, "receive() was called before the octets given before were used");
  if (closed || octets.empty()) return;
  if (is_tls_pending) return close(CloseReason::protocol);
  input = octets;
}

bool Core::is_between_commands() const {
  return reading == Reading::idle || (reading == Reading::line && !appending && !refusal && text.empty());
}

void Core::end_if_wanted() {
  if (is_idling) {
    is_idling = false;
    is_idle_cut = true;
    reading = Reading::line;
    return push(IdleEnds{});
  }
  close(*ending);
}

// ---- responses -------------------------------------------------------------------------------------------------

void Core::respond(Condition condition, const ResponseCode& code, std::string_view response_text) {
  writer.tagged(tag, word(condition), code, response_text);
  if (condition == Condition::ok) bad_commands = 0;
  forget_command();
}

void Core::forget_command() {
  // A command of 1 MB must not stay with an idle session.
  text = {};
  line_begin = 0;
  refusal.reset();
  dropped_octets = 0;
  tag = "*";
  command_name.clear();
  effect = Effect::none;
  is_condstore_new = false;
  appending.reset();
  if (reading != Reading::idle) reading = Reading::line;
}

void Core::refuse(const Fault& fault) {
  push(Refused{text::printable(command_name), fault.text});
  // Copied: it may be our own refusal, which the answer forgets.
  const Fault said = fault;  // NOLINT(performance-unnecessary-copy-initialization)
  respond(said.is_bad ? Condition::bad : Condition::no, said.code, said.text);
  if (!said.is_bad || ++bad_commands < settings->limits.bad_commands_max || closed) return;
  bye({}, "Too many commands that are not IMAP", CloseReason::too_many_errors);
}

void Core::execute(CommandBody body, Effect wanted) {
  effect = wanted;
  // RFC 9051 6.3.2: SELECT closes what was selected, even where it fails.
  if (wanted == Effect::select && state == State::selected) {
    state = State::authenticated;
    writer.ok(code::closed(), "Previous mailbox closed");
  }
  push(Execute{tag, std::move(body), is_condstore_new});
}

void Core::complete(Condition condition, const ResponseCode& code, std::string_view response_text) {
  require(open == Open::execution || open == Open::append_ends, session_name, "complete() without a command");
  open = Open::nothing;
  if (effect == Effect::select) state = condition == Condition::ok ? State::selected : State::authenticated;
  if (effect == Effect::unselect && condition == Condition::ok) state = State::authenticated;
  if (closed) return;
  if (is_idle_cut) return close(*ending);
  if (is_idle_broken) {
    is_idle_broken = false;
    return refuse(Fault{.is_bad = true, .code = {}, .text = "DONE was expected"});
  }
  respond(condition, code, response_text);
}

void Core::enable_condstore() {
  auto encoding = writer.encoding();
  if (encoding.condstore) return;
  encoding.condstore = true;
  writer.set_encoding(encoding);
  is_condstore_new = true;
}

void Core::deselect() {
  if (state == State::selected) state = State::authenticated;
}

// ---- the end ---------------------------------------------------------------------------------------------------

void Core::bye(const ResponseCode& code, std::string_view bye_text, CloseReason reason) {
  writer.bye(code, bye_text);
  close(reason);
}

void Core::end(const ResponseCode& code, std::string_view bye_text, CloseReason reason) {
  if (closed || ending) return;
  writer.bye(code, bye_text);
  ending = reason;
}

void Core::close(CloseReason reason) {
  if (closed) return;
  abort_append();
  if (is_idling) push(IdleEnds{});
  is_idling = false;
  exchange.reset();
  input = {};
  state = State::logout;
  closed = reason;
}

void Core::on_timeout() {
  if (closed) return;
  bye({}, state == State::not_authenticated ? "Not logged in for too long" : "Nothing heard for too long",
      CloseReason::timeout);
}

void Core::on_disconnect() {
  if (open != Open::execution && open != Open::append_ends) open = Open::nothing;
  close(CloseReason::disconnected);
}

void Core::on_tls_established(TlsFacts facts) {
  tls = std::make_unique<TlsFacts>(std::move(facts));
  is_tls_pending = false;
}

// ---- decisions -------------------------------------------------------------------------------------------------

void Core::accept() {
  const auto what = open;
  open = Open::nothing;
  if (what == Open::greeting) {
    // RFC 9051 7.1: the capabilities in the greeting save a round trip.
    return writer.ok({"CAPABILITY " + capability_words(capability_facts())}, settings->host_name + " Posthorn ready");
  }
  require(what == Open::append_begins || what == Open::append_part, session_name, "accept() without a decision");
  if (closed) return;
  appending->is_told = true;
  if (appending->is_in_parts && (what == Open::append_begins || !appending->is_text)) {
    reading = Reading::parts;
    return;
  }
  if (appending->mark->is_synchronizing) writer.continuation("Ready for the message");
  octets_left = appending->mark->size_octets;
  text.clear();
  reading = Reading::append;
}

void Core::refuse_connection(std::string_view why) {
  require(open == Open::greeting, session_name, "refuse() without a connection to decide");
  open = Open::nothing;
  bye({}, why, CloseReason::refused);
}

void Core::refuse_append(const ResponseCode& code, std::string_view why) {
  require(open == Open::append_begins || open == Open::append_part, session_name,
          "refuse_append() without a message to decide");
  open = Open::nothing;
  if (closed) return;
  appending->is_told = false;
  refuse_append_line({.is_bad = false, .code = code, .text = std::string(why)});
}

// ---- facts -----------------------------------------------------------------------------------------------------

ParseContext Core::parse_context() const {
  return {.utf8_accept = writer.encoding().utf8_accept, .qresync = writer.encoding().qresync};
}

std::vector<sasl::Mechanism> Core::offered() const {
  std::vector<sasl::Mechanism> mechanisms;
  if (state != State::not_authenticated || !may_login()) return mechanisms;
  for (const auto candidate : settings->mechanisms) {
    const bool is_bound = candidate == sasl::Mechanism::scram_sha_256_plus;
    if (!is_bound || (tls && tls->bindings.any())) mechanisms.push_back(candidate);
  }
  return mechanisms;
}

CapabilityFacts Core::capability_facts() const {
  return {.is_authenticated = state != State::not_authenticated,
          .offers_starttls = settings->starttls && !tls && state == State::not_authenticated,
          .may_login = may_login(),
          .mechanisms = offered(),
          .quota = settings->quota,
          .append_octets_max = settings->limits.append_octets_max};
}

std::string Core::random(std::size_t count) const {
  return settings->random ? settings->random(count) : crypto::random_octets(count);
}

Deadline Core::deadline() const {
  if (reading == Reading::idle) return Deadline::idle;
  if (state == State::not_authenticated) return Deadline::login;
  return is_between_commands() ? Deadline::command : Deadline::literal;
}

}  // namespace posthorn::imap::server
