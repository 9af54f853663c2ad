// What becomes of the pump's answers to decisions and questions.
#include <cstdio>
#include <cstdlib>

#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

// 421 says that the connection ends (RFC 5321 3.8), whoever decided it.
bool closes(const Reply& reply) {
  return reply.code.value == 421;
}

}  // namespace

void Core::accept() {
  switch (awaiting) {
    case Awaiting::greeting:
      return answer(Reply(220, settings->host_name + " ESMTP Posthorn"));
    case Awaiting::mail:
      return answer(Reply(250, {2, 1, 0}, "Sender taken"));
    case Awaiting::recipient:
      return answer(Reply(250, {2, 1, 5}, "Recipient taken"));
    case Awaiting::message_begin:
      return answer(Reply(354, "Send the message, end with a dot alone on a line"));
    case Awaiting::message_end:
      return answer(Reply(250, {2, 0, 0}, "Accepted"));
    default:
      return answer(Reply(250, {2, 0, 0}, "Done"));
  }
}

void Core::answer(const Reply& reply) {
  const Awaiting what = awaiting;
  awaiting = Awaiting::nothing;
  switch (what) {
    case Awaiting::greeting:
      decided_greeting(reply);
      break;
    case Awaiting::hello:
      decided_hello(reply);
      break;
    case Awaiting::mail:
      decided_mail(reply);
      break;
    case Awaiting::recipient:
      decided_recipient(reply);
      break;
    case Awaiting::message_begin:
      decided_begin(reply);
      break;
    case Awaiting::message_end:
      decided_end(reply);
      break;
    case Awaiting::password:
    case Awaiting::scram:
      decided_login(reply);
      break;
    case Awaiting::nothing:
      std::fputs("posthorn: smtp server session: an answer came without a question\n", stderr);
      std::abort();
  }
  if (closes(reply) && !closed) close(CloseReason::refused);
}

void Core::decided_greeting(const Reply& reply) {
  say(reply);
  is_greeting_refused = !reply.code.is_positive();
}

void Core::decided_hello(const Reply& reply) {
  if (!reply.code.is_positive()) return reply.code.is_permanent() ? refuse(reply) : say(reply);
  hello_name = std::move(hello_asked);
  hello_asked = {};
  is_esmtp = hello_asked_esmtp;
  if (!is_esmtp) return say(Reply(250, settings->host_name));
  say(Reply(250, settings->host_name + " greets you\n" + extensions_text(offered())));
}

void Core::decided_mail(const Reply& reply) {
  if (!reply.code.is_positive()) return reply.code.is_permanent() ? refuse(reply) : say(reply);
  transaction = std::make_unique<Transaction>();
  transaction->smtputf8 = is_mail_asked_utf8;
  ++mails;
  say(reply);
}

void Core::decided_recipient(const Reply& reply) {
  say(reply);
  if (reply.code.is_positive()) {
    ++transaction->recipients;
    return;
  }
  ++transaction->recipients_refused;
  // Who tries many names that do not exist is guessing addresses.
  if (reply.code.is_permanent() && ++unknown_recipients >= settings->limits.unknown_recipients_max && !closes(reply)) {
    end_session({4, 7, 0}, "Too many recipients that do not exist", CloseReason::too_many_errors);
  }
}

void Core::decided_begin(const Reply& reply) {
  if (reply.code.is_positive()) {
    if (message->chunking) return begin_chunk();
    reading = Reading::data;
    return say(reply.code.is_intermediate() ? reply : Reply(354, "Send the message"));
  }
  const bool chunking = message->chunking;
  message.reset();
  if (chunking) {
    chunk.refusal = reply;
    transaction.reset();
    if (closes(reply)) return say(reply);
    return begin_chunk();
  }
  say(reply);
  transaction.reset();
}

void Core::decided_end(const Reply& reply) {
  say(reply);
  message.reset();
  transaction.reset();
  if (!reply.code.is_positive()) return;
  ++messages_accepted;
  errors = unknown_recipients = idle_commands = 0;
}

void Core::answer_password(bool right) {
  if (awaiting != Awaiting::password) return answer(Reply(454, {4, 7, 0}, "Cannot be checked now"));
  awaiting = Awaiting::nothing;
  sasl_step(exchange->password_checked(right));
}

void Core::answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier) {
  if (awaiting != Awaiting::scram) return answer(Reply(454, {4, 7, 0}, "Cannot be checked now"));
  awaiting = Awaiting::nothing;
  sasl_step(exchange->scram_verifier(std::move(verifier)));
}

// The login could not be checked (RFC 4954 4.7.0: 454, so that clients keep their password), or policy refuses.
void Core::decided_login(const Reply& reply) {
  if (reply.code.is_permanent()) return authentication_failed(reply, "refused: " + reply.one_line());
  exchange.reset();
  push(AuthenticationFailed{mechanism, authcid, "not decided: " + reply.one_line()});
  say(reply.code.is_positive() ? Reply(454, {4, 7, 0}, "Cannot be checked now") : reply);
}

}  // namespace posthorn::smtp::server
