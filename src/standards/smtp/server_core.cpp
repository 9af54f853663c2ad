#include "standards/smtp/server_core.h"

#include <algorithm>

#include "foundation/base/require.h"
#include "foundation/crypto/random.h"
#include "foundation/text/ascii.h"

namespace posthorn::smtp::server {

static_assert(command_line_octets_max < auth_line_octets_max);
static_assert(auth_line_octets_max < endless_line_octets_max);
static_assert(text_line_octets_max >= 1000, "RFC 5321 4.5.3.1.6");

namespace {

constexpr std::string_view session_name = "smtp server session";

Awaiting awaited_by(const Event& event) {
  if (std::holds_alternative<Connected>(event)) return Awaiting::greeting;
  if (std::holds_alternative<Hello>(event)) return Awaiting::hello;
  if (std::holds_alternative<Mail>(event)) return Awaiting::mail;
  if (std::holds_alternative<Recipient>(event)) return Awaiting::recipient;
  if (std::holds_alternative<MessageBegins>(event)) return Awaiting::message_begin;
  if (std::holds_alternative<MessageEnds>(event)) return Awaiting::message_end;
  if (std::holds_alternative<CheckPassword>(event)) return Awaiting::password;
  if (std::holds_alternative<FindScramVerifier>(event)) return Awaiting::scram;
  return Awaiting::nothing;
}

}  // namespace

Core::Core(const Settings& session_settings, PeerFacts session_peer)
    : settings(&session_settings), peer(session_peer) {}

// ---- events ----------------------------------------------------------------------------------------------------

Event Core::next() {
  require(awaiting == Awaiting::nothing, session_name, "next() was called while a decision is open");
  for (;;) {
    if (!events.empty()) return take_event();
    if (closed) return Close{*closed};
    if (!is_greeting_told) {
      is_greeting_told = true;
      push(Connected{});
      continue;
    }
    const bool is_reading_message = reading == Reading::data || reading == Reading::chunk;
    if (is_shutting_down && !is_reading_message) {
      end_session({4, 3, 2}, "Going down for maintenance; come again", CloseReason::shutdown);
      continue;
    }
    if (output.size() > output_octets_max) return FlushOutput{};
    if (!step()) {
      events = {};  // an idle session holds nothing it does not need
      return NeedInput{};
    }
  }
}

Event Core::take_event() {
  Event event = std::move(events.front());
  events.erase(events.begin());
  awaiting = awaited_by(event);
  if (std::holds_alternative<StartTls>(event)) is_tls_pending = true;
  return event;
}

void Core::receive(std::string_view octets) {
  require(input.empty(), session_name, "receive() was called before the octets given before were used");
  if (closed || octets.empty()) return;
  if (is_tls_pending) return close(CloseReason::protocol);
  // RFC 5321 3.1: the client waits for the greeting.
  if (!is_greeting_told || awaiting == Awaiting::greeting) is_early_talker = true;
  input = octets;
}

bool Core::step() {
  switch (reading) {
    case Reading::commands:
    case Reading::auth_response:
      return step_line();
    case Reading::data:
      return step_data();
    case Reading::chunk:
      return step_chunk();
  }
  return false;
}

// ---- lines -----------------------------------------------------------------------------------------------------

bool Core::step_line() {
  const auto limit = settings->role == Role::reception ? command_line_octets_max : auth_line_octets_max;
  std::string_view line;
  const auto status = lines.read(input, limit, line);
  if (status == LineReader::Status::need_input) return false;
  if (status != LineReader::Status::line) {
    line_fault(status);
  } else if (reading == Reading::auth_response) {
    auth_response(*this, line);
  } else {
    dispatch(*this, line);
  }
  return true;
}

void Core::line_fault(LineReader::Status status) {
  if (status == LineReader::Status::bare) {
    // RFC 5321 2.3.8; who sends such lines may be hiding a second command in the first.
    say(Reply(500, {5, 5, 2}, "A command line must end with CRLF and hold no other CR, LF or NUL; closing"));
    return close(CloseReason::protocol);
  }
  if (status == LineReader::Status::endless) {
    say(Reply(500, {5, 5, 2}, "Line too long and without an end; closing"));
    return close(CloseReason::protocol);
  }
  const bool in_auth = reading == Reading::auth_response;
  exchange.reset();
  reading = Reading::commands;
  // RFC 4954 4: 5.5.6 for a line of an AUTH exchange.
  refuse(in_auth ? Reply(500, {5, 5, 6}, "Authentication line too long") : Reply(500, {5, 5, 2}, "Line too long"));
}

// ---- the message -----------------------------------------------------------------------------------------------

bool Core::step_data() {
  std::string_view piece;
  switch (message->scanner.next(input, piece)) {
    case TextScanner::Status::need_input:
      return false;
    case TextScanner::Status::piece:
      take_piece(piece);
      return true;
    case TextScanner::Status::end:
      end_data();
      return true;
  }
  return false;
}

std::optional<Reply> Core::message_fault() const {
  switch (message->scanner.fault()) {
    case TextFault::none:
      break;
    case TextFault::bare_lf:
    case TextFault::bare_cr:
      return Reply(550, {5, 5, 2},
                   "Message refused: it has a bare CR or LF; every line must end with CRLF (RFC 5321 2.3.8)");
    case TextFault::nul:
      return Reply(550, {5, 5, 2}, "Message refused: it has a NUL octet (RFC 5322 3.5)");
    case TextFault::line_too_long:
      return Reply(554, {5, 6, 0},
                   "Message refused: it has a line longer than " + std::to_string(text_line_octets_max - 2) +
                       " octets; encode it");
  }
  if (size_max() != 0 && message->size_octets > size_max()) {
    return Reply(552, {5, 3, 4},
                 "Message too large: this server takes up to " + std::to_string(size_max()) + " octets");
  }
  return std::nullopt;
}

void Core::take_piece(std::string_view piece) {
  if (!message->refusal) {
    message->size_octets += piece.size();
    if (auto fault = message_fault()) refuse_message(std::move(*fault));
  }
  if (!message->refusal) return push(MessageOctets{piece});
  message->discarded_octets += piece.size();
  if (message->discarded_octets <= settings->limits.discarded_octets_max) return;
  say(*message->refusal);
  close(CloseReason::discarded_too_much);
}

void Core::refuse_message(Reply reply) {
  push(MessageAborted{reply});
  message->refusal = std::move(reply);
}

void Core::end_data() {
  reading = Reading::commands;
  end_message();
}

// The whole message is read: answer it, or ask for the answer.
void Core::end_message() {
  if (!message->refusal) {
    if (auto fault = message_fault()) refuse_message(std::move(*fault));
  }
  if (!message->refusal) return push(MessageEnds{message->size_octets});
  const Reply reply = *message->refusal;
  message.reset();
  refuse(reply);
  transaction.reset();
}

void Core::begin_chunk() {
  reading = Reading::chunk;
  const bool is_whole_open = message && !message->refusal && !chunk.refusal;
  const bool is_over =
      is_whole_open && size_max() != 0 && chunk.size_octets > size_max() - std::min(size_max(), message->size_octets);
  if (is_over) {
    message->size_octets = size_max() + 1;
    refuse_message(*message_fault());
  }
  const bool is_dropped = chunk.refusal || (message && message->refusal);
  if (!is_dropped || chunk.left_octets <= settings->limits.discarded_octets_max) return;
  say(chunk.refusal ? *chunk.refusal : *message->refusal);
  close(CloseReason::discarded_too_much);
}

bool Core::step_chunk() {
  if (chunk.left_octets == 0) {
    end_chunk();
    return true;
  }
  if (input.empty()) return false;
  auto part = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), chunk.left_octets)));
  input.remove_prefix(part.size());
  chunk.left_octets -= part.size();
  if (chunk.refusal) return true;
  std::string_view piece;
  while (message->scanner.next(part, piece) == TextScanner::Status::piece) {
    take_piece(piece);
    if (closed) break;
  }
  return true;
}

void Core::end_chunk() {
  reading = Reading::commands;
  if (chunk.refusal) return refuse(*chunk.refusal);
  if (message->refusal) return end_message();
  if (!chunk.is_last) return say(Reply(250, {2, 0, 0}, std::to_string(chunk.size_octets) + " octets taken"));
  if (!message->scanner.at_line_start()) {
    // RFC 3030 leaves a last line without its end to the sender; every stored message ends with one.
    static constexpr std::string_view crlf = "\r\n";
    std::string_view rest = crlf;
    std::string_view piece;
    while (message->scanner.next(rest, piece) == TextScanner::Status::piece) take_piece(piece);
  }
  end_message();
}

void Core::abort_message(const Reply& reply) {
  if (message && !message->refusal) push(MessageAborted{reply});
  message.reset();
  reading = Reading::commands;
}

void Core::reset_transaction(bool tell) {
  const bool had_message = message != nullptr;
  abort_message(Reply(250, {2, 0, 0}, "Reset"));
  if (transaction && !had_message && tell) push(Reset{});
  transaction.reset();
}

// ---- replies ---------------------------------------------------------------------------------------------------

void Core::say(const Reply& reply) {
  reply.append_wire(output, transaction && transaction->smtputf8);
}

void Core::refuse(const Reply& reply) {
  say(reply);
  if (++errors >= settings->limits.errors_max && !closed) {
    end_session({4, 7, 0}, "Too many errors", CloseReason::too_many_errors);
  }
}

void Core::refuse_mail(std::string_view command, const Reply& reply) {
  push(Refused{text::printable(command), reply});
  refuse(reply);
}

void Core::end_session(EnhancedStatus status, std::string_view why, CloseReason reason) {
  const Reply reply(421, status, settings->host_name + " " + std::string(why));
  say(reply);
  abort_message(reply);
  close(reason);
}

void Core::close(CloseReason reason) {
  abort_message(Reply(421, {4, 4, 2}, "The connection ended"));
  transaction.reset();
  exchange.reset();
  input = {};
  closed = reason;
}

void Core::on_timeout() {
  awaiting = Awaiting::nothing;
  if (!closed) end_session({4, 4, 2}, "Nothing heard for too long", CloseReason::timeout);
}

void Core::on_disconnect() {
  awaiting = Awaiting::nothing;
  if (!closed) close(CloseReason::disconnected);
}

void Core::on_tls_established(TlsFacts facts) {
  tls = std::make_unique<TlsFacts>(std::move(facts));
  is_tls_pending = false;
  // RFC 3207 4.2: what was learned in clear is forgotten.
  hello_name.clear();
  is_esmtp = false;
}

// ---- facts -----------------------------------------------------------------------------------------------------

Phase Core::phase() const {
  if (hello_name.empty()) return phase_fresh;
  if (!transaction) return phase_ready;
  if (message) return phase_chunking;
  return transaction->recipients > 0 ? phase_rcpt : phase_mail;
}

Extensions Core::offered() const {
  Extensions offered;
  offered.pipelining = offered.eight_bit_mime = offered.enhanced_status_codes = offered.size = true;
  offered.size_octets_max = size_max();
  offered.smtputf8 = settings->smtputf8;
  offered.chunking = settings->chunking;
  offered.dsn = settings->dsn;
  offered.starttls = settings->starttls && !tls;
  offered.requiretls = tls != nullptr;  // RFC 8689 2: never in clear
  offered.rcptmax = settings->limits.recipients_max;
  if (settings->limits.mails_max != 0) offered.mailmax = settings->limits.mails_max;
  if (settings->role == Role::reception || !tls) return offered;
  // RFC 4954 3: the keyword stays while logged in, so that AUTH= on MAIL is understood.
  for (const auto candidate : settings->mechanisms) {
    const bool is_bound = candidate == sasl::Mechanism::scram_sha_256_plus;
    if (!is_bound || tls->bindings.any()) offered.auth.push_back(candidate);
  }
  offered.auth_offered = !offered.auth.empty();
  return offered;
}

std::string Core::random(std::size_t count) const {
  return settings->random ? settings->random(count) : crypto::random_octets(count);
}

WithProtocol Core::protocol() const {
  return {.esmtp = is_esmtp,
          .tls = tls != nullptr,
          .authenticated = !login.empty(),
          .smtputf8 = transaction && transaction->smtputf8};
}

Deadline Core::deadline() const {
  if (reading == Reading::data || reading == Reading::chunk) return Deadline::message_data;
  return reading == Reading::auth_response ? Deadline::authentication : Deadline::command;
}

}  // namespace posthorn::smtp::server
