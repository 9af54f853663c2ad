// Inside of the server machine: what Session (server.h) holds, and what the files cmd_*.cpp work on.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/sasl/server.h"
#include "standards/smtp/line_reader.h"
#include "standards/smtp/server.h"
#include "standards/smtp/text_scanner.h"

namespace posthorn::smtp::server {

/// What the input means at this moment.
enum class Reading : unsigned char { commands, auth_response, data, chunk };

/// Which decision of the pump is open.
enum class Awaiting : unsigned char {
  nothing,
  greeting,
  hello,
  mail,
  recipient,
  message_begin,
  message_end,
  password,
  scram
};

/// Where the session stands in RFC 5321 4.1.4's order of commands; one bit each, so that a row can permit several.
enum Phase : unsigned {
  phase_fresh = 1,      ///< no EHLO or HELO yet
  phase_ready = 2,      ///< greeted, no transaction
  phase_mail = 4,       ///< MAIL was accepted
  phase_rcpt = 8,       ///< and one RCPT at least
  phase_chunking = 16,  ///< and one BDAT
};
inline constexpr unsigned phase_any = 31;

struct Transaction {
  std::uint32_t recipients = 0;  ///< accepted
  std::uint32_t recipients_refused = 0;
  bool smtputf8 = false;
};

/// The message being read.
struct Message {
  explicit Message(TextScanner::Framing framing) : scanner(framing) {}
  TextScanner scanner;
  std::uint64_t size_octets = 0;
  std::uint64_t discarded_octets = 0;
  bool chunking = false;
  /// Set once it is known to be refused: the pump has been told, the peer hears it at the message's end.
  std::optional<Reply> refusal;
};

/// The BDAT chunk being read.
struct Chunk {
  std::uint64_t left_octets = 0;
  std::uint64_t size_octets = 0;
  bool is_last = false;
  std::optional<Reply> refusal;  ///< the chunk is read and dropped, then this is said
};

class Core {
 public:
  Core(const Settings& session_settings, PeerFacts session_peer);

  // ---- the pump's side (server.cpp)
  [[nodiscard]] Event next();
  void receive(std::string_view octets);
  void accept();
  void answer(const Reply& reply);
  void answer_password(bool right);
  void answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier);
  void on_tls_established(TlsFacts facts);
  void on_timeout();
  void on_shutdown() { is_shutting_down = true; }
  void on_disconnect();

  // ---- the commands' side
  /// Writes a reply.
  void say(const Reply& reply);
  /// Writes a refusal and counts it; too many end the session.
  void refuse(const Reply& reply);
  /// The same, and tells the pump.
  void refuse_mail(std::string_view command, const Reply& reply);
  void push(Event event) { events.push_back(std::move(event)); }
  void close(CloseReason reason);
  /// 421 with these words, then the end.
  void end_session(EnhancedStatus status, std::string_view why, CloseReason reason);
  /// Ends the transaction; Reset is told where one was open, MessageAborted where a message was.
  void reset_transaction(bool tell);
  /// Ends what is open of the message; the pump hears MessageAborted.
  void abort_message(const Reply& reply);
  void begin_chunk();
  void sasl_step(sasl::Step step);
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] Extensions offered() const;
  [[nodiscard]] std::string random(std::size_t count) const;
  [[nodiscard]] std::uint64_t size_max() const { return settings->limits.message_size_octets_max; }
  [[nodiscard]] WithProtocol protocol() const;
  [[nodiscard]] Deadline deadline() const;

  // ---- state
  const Settings* settings;
  PeerFacts peer;
  std::unique_ptr<TlsFacts> tls;
  std::string hello_name;
  std::string login;
  std::string hello_asked;  ///< EHLO's argument until it is accepted
  bool hello_asked_esmtp = false;
  bool is_esmtp = false;
  bool is_early_talker = false;
  bool is_greeting_told = false;
  bool is_greeting_refused = false;
  bool is_shutting_down = false;
  bool is_tls_pending = false;      ///< StartTls was told, the handshake has not come back
  bool is_mail_asked_utf8 = false;  ///< of the MAIL being decided
  Reading reading = Reading::commands;
  Awaiting awaiting = Awaiting::nothing;
  std::optional<CloseReason> closed;
  std::unique_ptr<Transaction> transaction;
  std::unique_ptr<Message> message;
  Chunk chunk;
  std::unique_ptr<sasl::ServerExchange> exchange;
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::uint32_t errors = 0;
  std::uint32_t unknown_recipients = 0;
  std::uint32_t idle_commands = 0;
  std::uint32_t auth_failures = 0;
  std::uint32_t mails = 0;
  std::uint32_t messages_accepted = 0;
  std::string_view input;
  LineReader lines;
  std::string output;
  std::vector<Event> events;  ///< to be told, in order

 private:
  [[nodiscard]] Event take_event();
  [[nodiscard]] bool step();
  [[nodiscard]] bool step_line();
  [[nodiscard]] bool step_data();
  [[nodiscard]] bool step_chunk();
  void line_fault(LineReader::Status status);
  /// Takes one piece of the message; false when there is nothing to tell the pump.
  void take_piece(std::string_view piece);
  [[nodiscard]] std::optional<Reply> message_fault() const;
  void refuse_message(Reply reply);
  void end_data();
  void end_chunk();
  void end_message();
  void decided_greeting(const Reply& reply);
  void decided_hello(const Reply& reply);
  void decided_mail(const Reply& reply);
  void decided_recipient(const Reply& reply);
  void decided_begin(const Reply& reply);
  void decided_end(const Reply& reply);
  void decided_login(const Reply& reply);
  void authentication_failed(const Reply& reply, std::string reason);
  void authenticated(const sasl::Success& success);
};

// ---- one function a command; `arguments` is what stands behind the verb and its space --------------------------
void cmd_ehlo(Core& core, std::string_view arguments);
void cmd_helo(Core& core, std::string_view arguments);
void cmd_mail(Core& core, std::string_view arguments);
void cmd_rcpt(Core& core, std::string_view arguments);
void cmd_data(Core& core, std::string_view arguments);
void cmd_bdat(Core& core, std::string_view arguments);
void cmd_rset(Core& core, std::string_view arguments);
void cmd_noop(Core& core, std::string_view arguments);
void cmd_quit(Core& core, std::string_view arguments);
void cmd_help(Core& core, std::string_view arguments);
void cmd_vrfy(Core& core, std::string_view arguments);
void cmd_expn(Core& core, std::string_view arguments);
void cmd_starttls(Core& core, std::string_view arguments);
void cmd_auth(Core& core, std::string_view arguments);
/// A line of an AUTH exchange.
void auth_response(Core& core, std::string_view line);

/// Finds the row, checks that the command is legal now, calls it.
void dispatch(Core& core, std::string_view line);

}  // namespace posthorn::smtp::server
