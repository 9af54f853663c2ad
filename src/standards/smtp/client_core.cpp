#include "standards/smtp/client_core.h"

#include <array>

namespace posthorn::smtp::client {
namespace {

/// Commands under way at once: few enough that their replies fit any socket's buffers while we still write.
constexpr std::size_t pipelined_commands_max = 100;

// RFC 2920 3.1: these may stand anywhere in a group; the others end it.
bool may_be_followed(Expect expect) {
  return expect == Expect::rset || expect == Expect::mail || expect == Expect::rcpt;
}

}  // namespace

std::string_view name(Stage stage) {
  static constexpr std::array<std::string_view, 11> names = {
      "local", "connect", "greeting", "hello", "starttls", "auth", "mail", "rcpt", "data", "message", "quit"};
  return names[static_cast<std::size_t>(stage)];
}

Core::Core(Settings session_settings) : settings(std::move(session_settings)) {
  is_tls = settings.tls == TlsUse::implicit;
  expected.push_back(Expect::greeting);
}

Event Core::next() {
  for (;;) {
    if (!events.empty()) {
      Event event = std::move(events.front());
      events.pop_front();
      return event;
    }
    if (is_closed) return Close{};
    if (!is_tls_pending && read_reply()) continue;
    if (attempt && attempt->wants_body) return NeedBody{};
    return NeedInput{};
  }
}

// One reply from what was received; false when none is whole.
bool Core::read_reply() {
  std::string_view rest = input;
  const auto state = parser.feed(rest);
  input.erase(0, input.size() - rest.size());
  if (state == ReplyParser::State::need_input) return false;
  if (state == ReplyParser::State::garbage) {
    heard_garbage(parser.take());
  } else {
    heard(parser.take());
  }
  return true;
}

void Core::say(Expect expect, std::string_view line) {
  output += line;
  expected.push_back(expect);
}

void Core::send_queued() {
  while (!queued.empty() && expected.size() < pipelined_commands_max) {
    const bool is_free = expected.empty() || (peer.pipelining && may_be_followed(expected.back()));
    if (!is_free) return;
    say(queued.front().expect, queued.front().line);
    queued.pop_front();
  }
}

void Core::heard(Reply reply) {
  if (expected.empty()) {
    // Nothing was asked: the peer ends the connection (421), or talks nonsense. Either way it is over; a
    // "250" that comes before the message was sent must not pass for its answer.
    if (reply.code.is_positive()) return heard_garbage(reply);
    return lose({stage(), Cause::reply, std::move(reply)}, false);
  }
  const Expect what = expected.front();
  const Stage at = stage();
  expected.pop_front();
  if (reply.code.value == 421) {
    // RFC 5321 3.8: the peer closes; whatever is undecided has this answer.
    if (what != Expect::quit) return lose({at, Cause::reply, std::move(reply)}, false);
    return close();
  }
  switch (what) {
    case Expect::greeting:
      heard_greeting(std::move(reply));
      break;
    case Expect::ehlo:
      heard_ehlo(std::move(reply));
      break;
    case Expect::helo:
      heard_helo(std::move(reply));
      break;
    case Expect::starttls:
      heard_starttls(std::move(reply));
      break;
    case Expect::auth:
      heard_auth(std::move(reply));
      break;
    case Expect::rset:
      break;
    case Expect::mail:
      heard_mail(std::move(reply));
      break;
    case Expect::rcpt:
      heard_rcpt(std::move(reply));
      break;
    case Expect::data:
      heard_data(std::move(reply));
      break;
    case Expect::chunk:
      heard_chunk(std::move(reply));
      break;
    case Expect::message:
      heard_message(std::move(reply));
      break;
    case Expect::discarded_message:
      after_transaction();
      break;
    case Expect::quit:
      close();
      break;
  }
  if (!is_closed) send_queued();
}

void Core::heard_garbage(const Reply& reply) {
  const bool in_doubt = attempt && attempt->is_body_sent;
  lose({stage(), Cause::garbage, Reply(451, {4, 5, 0}, "The peer's answer is no SMTP reply: " + reply.text)}, in_doubt);
}

void Core::on_lost(Cause cause, std::string why) {
  // What the peer said before it hung up stands: a 552 in the middle of a message is its answer.
  while (!is_closed && !is_tls_pending && read_reply()) {
  }
  std::erase_if(events, [](const Event& event) { return std::holds_alternative<Ready>(event); });
  if (is_closed) return;
  const bool in_doubt = attempt && attempt->is_body_sent;
  lose({stage(), cause, Reply(451, {4, 4, 2}, std::move(why))}, in_doubt);
}

// The connection is worth nothing any more.
void Core::lose(Outcome outcome, bool in_doubt) {
  close();
  if (attempt) return finish(std::move(outcome), in_doubt);
  if (!is_ready) push(Failed{std::move(outcome)});
}

Stage Core::stage() const {
  if (expected.empty()) return attempt ? Stage::message : Stage::connect;
  switch (expected.front()) {
    case Expect::greeting:
      return Stage::greeting;
    case Expect::ehlo:
    case Expect::helo:
      return Stage::hello;
    case Expect::starttls:
      return Stage::starttls;
    case Expect::auth:
      return Stage::auth;
    case Expect::rset:
    case Expect::mail:
      return Stage::mail;
    case Expect::rcpt:
      return Stage::rcpt;
    case Expect::data:
      return Stage::data;
    case Expect::chunk:
    case Expect::message:
    case Expect::discarded_message:
      return Stage::message;
    case Expect::quit:
      return Stage::quit;
  }
  return Stage::connect;
}

Deadline Core::deadline() const {
  if (attempt && attempt->wants_body) return Deadline::data_block;
  if (expected.empty()) return Deadline::command;
  switch (expected.front()) {
    case Expect::greeting:
      return Deadline::greeting;
    case Expect::mail:
      return Deadline::mail;
    case Expect::rcpt:
      return Deadline::rcpt;
    case Expect::data:
      return Deadline::data;
    case Expect::chunk:
    case Expect::message:
    case Expect::discarded_message:
      return Deadline::termination;
    case Expect::quit:
      return Deadline::quit;
    default:
      return Deadline::command;
  }
}

void Core::quit() {
  if (is_closed) return;
  is_ready = true;  // from here on a lost connection is nobody's failure
  say(Expect::quit, "QUIT\r\n");
}

}  // namespace posthorn::smtp::client
