// One transaction: MAIL, RCPT, DATA or BDAT, and what came of it.
#include "foundation/text/ascii.h"
#include "standards/smtp/client_core.h"

namespace posthorn::smtp::client {
namespace {

Outcome local(Reply reply) {
  return {Stage::local, Cause::local, std::move(reply)};
}

bool needs_smtputf8(const Envelope& envelope) {
  if (envelope.parameters.smtputf8 || envelope.reverse_path.needs_smtputf8()) return true;
  for (const auto& recipient : envelope.recipients) {
    if (recipient.path.needs_smtputf8()) return true;
  }
  return false;
}

}  // namespace

// What this peer cannot be given at all; said without a word to it, so that the next host can be tried.
std::optional<Outcome> Core::why_not_here(const Envelope& envelope) const {
  const auto& parameters = envelope.parameters;
  if (is_closed || !is_ready) {
    return Outcome{Stage::connect, Cause::disconnected, Reply(451, {4, 4, 2}, "The connection is closed")};
  }
  if (needs_smtputf8(envelope) && !peer.smtputf8) {
    return local(Reply(550, {5, 6, 7}, "The peer does not take internationalized addresses or headers (SMTPUTF8)"));
  }
  if (parameters.body == Body::eight_bit_mime && !peer.eight_bit_mime) {
    return local(
        Reply(554, {5, 6, 3}, "The peer does not take 8-bit text (8BITMIME), and converting would break signatures"));
  }
  if (parameters.requiretls && (!is_tls || !peer.requiretls)) {
    return local(
        Reply(550, {5, 7, 30}, "The sender requires TLS all the way, and the peer does not promise it (REQUIRETLS)"));
  }
  if (parameters.size && peer.size_octets_max != 0 && *parameters.size > peer.size_octets_max) {
    return local(Reply(552, {5, 3, 4},
                       "The message has " + std::to_string(*parameters.size) + " octets, the peer takes up to " +
                           std::to_string(peer.size_octets_max)));
  }
  return std::nullopt;
}

void Core::send(Envelope envelope) {
  attempt = std::make_unique<Attempt>(std::move(envelope));
  if (auto refusal = why_not_here(attempt->envelope)) return finish(std::move(*refusal));
  attempt->envelope.parameters.smtputf8 = needs_smtputf8(attempt->envelope);
  if (peer.rcptmax) {
    // RFC 9422 5: what is above the limit is for another transaction.
    const Reply over(452, {4, 5, 3}, "The peer takes " + std::to_string(*peer.rcptmax) + " recipients a message");
    for (std::size_t i = *peer.rcptmax; i < attempt->outcomes.size(); ++i) attempt->outcomes[i] = local(over);
  }
  ++mails;
  queue_transaction();
  send_queued();
}

void Core::queue_transaction() {
  const auto& envelope = attempt->envelope;
  if (needs_rset) queue(Expect::rset, "RSET\r\n");
  needs_rset = false;
  queue(Expect::mail,
        "MAIL FROM:" + envelope.reverse_path.wire() + mail_parameters_text(envelope.parameters, peer) + "\r\n");
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    if (attempt->outcomes[i]) continue;
    const auto& recipient = envelope.recipients[i];
    queue(Expect::rcpt, "RCPT TO:" + recipient.path.wire() + rcpt_parameters_text(recipient.parameters, peer) + "\r\n");
  }
  if (!uses_chunking()) queue(Expect::data, "DATA\r\n");
}

void Core::heard_mail(Reply reply) {
  if (reply.code.is_completion()) return;
  attempt->mail_refusal = Outcome{Stage::mail, Cause::reply, std::move(reply)};
  queued.clear();
  // What went out in the same group is still answered; the last answer ends it.
  if (expected.empty()) finish(*attempt->mail_refusal);
}

void Core::heard_rcpt(Reply reply) {
  auto& done = attempt->replied_recipients;
  while (done < attempt->outcomes.size() && attempt->outcomes[done]) ++done;
  if (done >= attempt->outcomes.size()) return;
  if (reply.code.is_completion() && !attempt->mail_refusal) {
    ++attempt->accepted_recipients;
  } else if (!attempt->mail_refusal) {
    attempt->outcomes[done] = Outcome{Stage::rcpt, Cause::reply, std::move(reply)};
  }
  ++done;
  const bool more_to_come = !expected.empty() || (!queued.empty() && queued.front().expect == Expect::rcpt);
  if (!more_to_come) recipients_are_known();
}

// Every RCPT is answered, and DATA has not gone out yet.
void Core::recipients_are_known() {
  if (attempt->mail_refusal) return finish(*attempt->mail_refusal);
  if (attempt->accepted_recipients == 0) {
    queued.clear();
    needs_rset = true;
    return finish(local(Reply(554, {5, 5, 1}, "Every recipient was refused")));
  }
  if (uses_chunking()) attempt->wants_body = true;
}

void Core::heard_data(Reply reply) {
  const bool is_refused = attempt->mail_refusal || attempt->accepted_recipients == 0;
  if (reply.code.value == 354 && is_refused) {
    // RFC 2920 3.1: DATA was pipelined and nobody is left to have the message; an empty one ends it.
    say(Expect::discarded_message, ".\r\n");
    finish(attempt->mail_refusal ? *attempt->mail_refusal
                                 : local(Reply(554, {5, 5, 1}, "Every recipient was refused")));
    return;
  }
  if (reply.code.value == 354) {
    attempt->wants_body = true;
    return;
  }
  needs_rset = true;
  if (attempt->mail_refusal) return finish(*attempt->mail_refusal);
  if (is_refused) return finish(local(Reply(554, {5, 5, 1}, "Every recipient was refused")));
  if (reply.code.is_positive()) {
    return lose({Stage::data, Cause::garbage, Reply(451, {4, 5, 0}, "The peer answered DATA with " + reply.one_line())},
                false);
  }
  finish({Stage::data, Cause::reply, std::move(reply)});
}

// ---- the message -----------------------------------------------------------------------------------------------

void Core::body(std::string_view octets, bool is_last) {
  if (!attempt || !attempt->wants_body || is_closed) return;
  const bool at_line_start = attempt->scanner.at_line_start();
  std::string_view rest = octets;
  std::string_view piece;
  while (attempt->scanner.next(rest, piece) == server::TextScanner::Status::piece) {
  }
  const bool needs_end = is_last && !attempt->scanner.at_line_start();
  std::string_view line_end = needs_end ? "\r\n" : "";
  if (needs_end) (void)attempt->scanner.next(line_end, piece);  // notes a CR that stands at the very end
  const auto fault = attempt->scanner.fault();
  if (fault != server::TextFault::none && fault != server::TextFault::line_too_long) {
    return lose(
        local(Reply(554, {5, 6, 0}, "The message has a bare CR, bare LF or NUL and is not sent (RFC 5321 2.3.8)")),
        false);
  }
  if (uses_chunking()) {
    append_chunk(octets, needs_end, is_last);
  } else {
    append_stuffed(octets, at_line_start);
    if (needs_end) output += "\r\n";
    if (is_last) say(Expect::message, ".\r\n");
  }
  if (is_last) {
    attempt->wants_body = false;
    attempt->is_body_sent = true;
  }
}

// RFC 5321 4.5.2. Every LF here ends a CRLF: the scanner has seen to it.
void Core::append_stuffed(std::string_view piece, bool at_line_start) {
  if (at_line_start && piece.starts_with('.')) output += '.';
  while (!piece.empty()) {
    const auto found = piece.find("\n.");
    if (found == std::string_view::npos) break;
    output.append(piece.substr(0, found + 1));
    output += '.';
    piece.remove_prefix(found + 1);
  }
  output.append(piece);
}

// RFC 3030 2; a chunk of its own for every piece, the last with the mark.
void Core::append_chunk(std::string_view octets, bool needs_end, bool is_last) {
  if (octets.empty() && !is_last) return;
  const auto size = octets.size() + (needs_end ? 2 : 0);
  output += "BDAT " + std::to_string(size) + (is_last ? " LAST\r\n" : "\r\n");
  output.append(octets);
  if (needs_end) output += "\r\n";
  expected.push_back(is_last ? Expect::message : Expect::chunk);
}

void Core::abort_body(std::string why) {
  if (attempt) lose(local(Reply(451, {4, 3, 0}, std::move(why))), false);
}

void Core::heard_chunk(Reply reply) {
  if (!attempt || reply.code.is_completion()) return;
  // The transaction is over. Answers to chunks under way could not be told from those of the next transaction.
  needs_rset = true;
  Outcome outcome{Stage::message, Cause::reply, std::move(reply)};
  if (!expected.empty()) return lose(std::move(outcome), false);
  finish(std::move(outcome));
}

void Core::heard_message(Reply reply) {
  if (!attempt) return;
  if (reply.code.is_intermediate()) {
    return lose({Stage::message, Cause::garbage,
                 Reply(451, {4, 5, 0}, "The peer answered the message with " + reply.one_line())},
                false);
  }
  if (reply.code.is_completion()) ++messages_sent;
  finish({Stage::message, Cause::reply, std::move(reply)});
}

// The last word: whoever is undecided has it too.
void Core::finish(Outcome last, bool in_doubt) {
  TransactionOutcome outcome;
  outcome.peer_has_dsn = peer.dsn;
  outcome.in_doubt = in_doubt;
  for (auto& recipient : attempt->outcomes) outcome.recipients.push_back(recipient ? std::move(*recipient) : last);
  outcome.message = std::move(last);
  attempt.reset();
  queued.clear();
  push(Done{std::move(outcome)});
  const bool is_answered = expected.empty();
  if (is_answered && !is_closed) after_transaction();
}

void Core::after_transaction() {
  if (attempt || is_closed) return;
  // RFC 9422: no further MAIL than the peer takes on one connection.
  if (peer.mailmax && mails >= *peer.mailmax) return quit();
  push(Ready{});
}

}  // namespace posthorn::smtp::client
