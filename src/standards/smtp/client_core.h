// Inside of the client machine: what Session (client.h) holds.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/sasl/client.h"
#include "standards/smtp/client.h"
#include "standards/smtp/text_scanner.h"

namespace posthorn::smtp::client {

/// What a reply that is awaited answers.
enum class Expect : unsigned char {
  greeting,
  ehlo,
  helo,
  starttls,
  auth,
  rset,
  mail,
  rcpt,
  data,
  chunk,
  message,
  discarded_message,
  quit
};

struct Command {
  Expect expect = Expect::quit;
  std::string line;  ///< with CRLF
};

/// The transaction in progress.
struct Attempt {
  explicit Attempt(Envelope e) : envelope(std::move(e)), outcomes(envelope.recipients.size()) {}
  Envelope envelope;
  /// By recipient; none yet while it is undecided. An accepted RCPT stays undecided until the message is.
  std::vector<std::optional<Outcome>> outcomes;
  std::size_t replied_recipients = 0;
  std::size_t accepted_recipients = 0;
  std::optional<Outcome> mail_refusal;
  bool wants_body = false;
  bool is_body_sent = false;
  server::TextScanner scanner{server::TextScanner::Framing::counted};
};

class Core {
 public:
  explicit Core(Settings session_settings);

  // ---- the pump's side
  [[nodiscard]] Event next();
  void receive(std::string_view octets) { input.append(octets); }
  void send(Envelope envelope);
  void quit();
  void body(std::string_view octets, bool is_last);
  void abort_body(std::string why);
  void on_tls_established(sasl::ChannelBindings channel_bindings);
  void on_tls_failed(std::string why);
  void on_lost(Cause cause, std::string why);
  [[nodiscard]] Deadline deadline() const;

  Settings settings;
  sasl::ChannelBindings bindings;
  Extensions peer;
  std::string greeting;
  std::string hello_text;
  bool is_esmtp = false;
  bool is_tls = false;
  std::uint32_t messages_sent = 0;
  std::string output;

 private:
  // ---- what is said and heard
  void say(Expect expect, std::string_view line);
  void queue(Expect expect, std::string line) { queued.push_back({expect, std::move(line)}); }
  void send_queued();
  [[nodiscard]] bool read_reply();
  void heard(Reply reply);
  void heard_garbage(const Reply& reply);
  [[nodiscard]] Stage stage() const;

  // ---- opening (client_opening.cpp)
  void heard_greeting(Reply reply);
  void heard_ehlo(Reply reply);
  void heard_helo(Reply reply);
  void heard_starttls(Reply reply);
  void heard_auth(Reply reply);
  void say_ehlo();
  void after_hello();
  void begin_auth();
  void become_ready();
  void fail_session(Outcome outcome);

  // ---- transaction (client_transaction.cpp)
  [[nodiscard]] std::optional<Outcome> why_not_here(const Envelope& envelope) const;
  [[nodiscard]] bool uses_chunking() const { return settings.chunking && peer.chunking; }
  void queue_transaction();
  void heard_mail(Reply reply);
  void heard_rcpt(Reply reply);
  void recipients_are_known();
  void heard_data(Reply reply);
  void heard_chunk(Reply reply);
  void heard_message(Reply reply);
  void append_stuffed(std::string_view piece, bool at_line_start);
  void append_chunk(std::string_view octets, bool needs_end, bool is_last);
  void finish(Outcome last, bool in_doubt = false);
  void lose(Outcome outcome, bool in_doubt);
  void after_transaction();

  void push(Event event) { events.push_back(std::move(event)); }
  void close() { is_closed = true; }

  std::deque<Command> queued;   ///< not said yet
  std::deque<Expect> expected;  ///< said, not answered
  std::deque<Event> events;
  std::string input;
  ReplyParser parser;
  std::unique_ptr<Attempt> attempt;
  std::unique_ptr<sasl::ClientExchange> exchange;
  std::uint32_t mails = 0;
  bool is_ready = false;
  bool is_closed = false;
  bool is_tls_pending = false;
  bool is_logged_in = false;
  bool needs_rset = false;
};

}  // namespace posthorn::smtp::client
