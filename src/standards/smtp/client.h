// The client's half of an SMTP session as a pure machine: greeting, EHLO (HELO where EHLO is refused), STARTTLS,
// AUTH, then any number of transactions, QUIT. No sockets, clock, threads.
//
// The pump (flow/relay):
//
//   Session session(settings);
//   for (;;) {
//     Event event = session.next();
//     if NeedInput:   write session.take_output(); read (deadline by session.deadline()); session.receive(octets)
//                     or session.on_disconnect(why), session.on_timeout()
//     if StartTls:    write session.take_output(); handshake, verify as the policy says;
//                     session.on_tls_established(bindings) or session.on_tls_failed(why)
//     if Ready:       session.send(envelope), or session.quit()
//     if NeedBody:    write session.take_output(); session.body(piece, is_last)   // pieces of any size, 64 KB is good
//     if Done:        outcome of the transaction; note it. Ready follows when the connection can be used again
//     if Failed:      the session came to nothing before Ready (stage, reply); Close follows
//     if Close:       write session.take_output(); close; end
//   }
//
// - Commands go out in groups (RFC 2920) where the peer offers PIPELINING: MAIL, all RCPT and DATA in one.
// - No octet of the message is sent when every RCPT was refused (RFC 2920 3.1: an empty body ends an accepted DATA).
// - body() takes the message as stored: lines ended by CRLF. A bare CR, bare LF or NUL in it ends the connection
//   (never the message) with a permanent local outcome: such octets are what smuggling is made of.
// - Parameters go out only where the peer offers them. What cannot be sent to this peer at all (SMTPUTF8, 8-bit,
//   size) is an outcome with Stage::local, without a word to the peer.
// - receive() copies what it needs; the octets may go afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "standards/address/mailbox.h"
#include "standards/sasl/client.h"
#include "standards/smtp/extensions.h"
#include "standards/smtp/parameters.h"
#include "standards/smtp/reply.h"

namespace posthorn::smtp::client {

// ---- settings ------------------------------------------------------------------------------------------------

enum class TlsUse : unsigned char {
  never,          ///< do not ask for it (after an opportunistic handshake failed)
  opportunistic,  ///< STARTTLS where offered
  required,       ///< no mail without it
  implicit,       ///< the pump has made the handshake before the first octet
};

struct Settings {
  std::string host_name;  ///< for EHLO: a full name that resolves to our address
  TlsUse tls = TlsUse::opportunistic;
  std::optional<sasl::Credentials> credentials;  ///< a smarthost's login
  bool chunking = true;                          ///< use BDAT where offered
  std::string nonce;                             ///< 18 or more random octets; needed with credentials
};

struct Envelope {
  struct Recipient {
    address::ForwardPath path;
    RcptParameters parameters;
  };
  address::ReversePath reverse_path;
  /// size: the octets body() will give, when known. body and smtputf8: what the message needs.
  MailParameters parameters;
  std::vector<Recipient> recipients;  ///< at least one
};

// ---- outcomes ------------------------------------------------------------------------------------------------

enum class Stage : unsigned char {
  local,  ///< not said to the peer: it cannot take such a message, or ours cannot be sent
  connect,
  greeting,
  hello,
  starttls,
  auth,
  mail,
  rcpt,
  data,     ///< the DATA command
  message,  ///< the end of the message
  quit,
};
[[nodiscard]] std::string_view name(Stage stage);

enum class Cause : unsigned char {
  reply,         ///< the peer said so: `reply` is its own
  garbage,       ///< the peer said something that is no reply; `reply` quotes it as 451 4.5.0
  disconnected,  ///< the connection broke; `reply` is ours, 451 4.4.2
  timeout,       ///< `reply` is ours, 451 4.4.2
  tls,           ///< no TLS where it is required, or the handshake failed; 451 4.7.5 of ours
  local,         ///< `reply` is ours and says what cannot be done
};

/// What came of a stage. `reply.code` decides: positive, temporary or permanent.
struct Outcome {
  Stage stage = Stage::local;
  Cause cause = Cause::local;
  Reply reply;

  [[nodiscard]] bool is_delivered() const { return stage == Stage::message && reply.code.is_completion(); }
};

/// One transaction's end, in the order of the envelope's recipients. A recipient whose RCPT was accepted has the
/// outcome of the message.
struct TransactionOutcome {
  std::vector<Outcome> recipients;
  /// The last word on the whole transaction (MAIL's refusal, DATA's, the message's; or local).
  Outcome message;
  /// Whether the peer took over the DSN parameters; otherwise a "relayed" report is ours to make (RFC 3461 5.2.3).
  bool peer_has_dsn = false;
  /// Whether the answer to the whole message was not seen after all of it was sent: the peer may have it.
  bool in_doubt = false;
};

/// RFC 5321 4.5.3.2: what the present wait may last.
enum class Deadline : unsigned char {
  greeting,     ///< 5 minutes
  command,      ///< EHLO, STARTTLS, AUTH, RSET: 5 minutes
  mail,         ///< 5 minutes
  rcpt,         ///< 5 minutes
  data,         ///< 2 minutes
  data_block,   ///< 3 minutes, for writing
  termination,  ///< 10 minutes: the answer to the final dot
  quit,         ///< short; nobody waits for it
};

// ---- events --------------------------------------------------------------------------------------------------

struct NeedInput {};
struct StartTls {};
struct Ready {};
struct NeedBody {};
struct Done {
  TransactionOutcome outcome;
};
struct Failed {
  Outcome outcome;
};
struct Close {};
using Event = std::variant<NeedInput, StartTls, Ready, NeedBody, Done, Failed, Close>;

// ---- the machine ---------------------------------------------------------------------------------------------

class Core;

class Session {
 public:
  explicit Session(Settings settings);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] Event next();
  void receive(std::string_view octets);
  [[nodiscard]] std::string take_output();

  /// Precondition: Ready.
  void send(Envelope envelope);
  void quit();
  /// Precondition: NeedBody. `is_last` with an empty piece is fine.
  void body(std::string_view octets, bool is_last);
  /// The message cannot be read to its end (disk): ends the connection, never the message.
  void abort_body(std::string why);

  void on_tls_established(sasl::ChannelBindings bindings);
  void on_tls_failed(std::string why);
  void on_timeout();
  /// Also when connecting failed, before anything was received.
  void on_disconnect(std::string why);

  // ---- facts
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] const Extensions& peer_extensions() const;
  [[nodiscard]] const std::string& greeting() const;    ///< text of the 220
  [[nodiscard]] const std::string& hello_text() const;  ///< first line of the 250 to EHLO
  [[nodiscard]] bool is_esmtp() const;
  [[nodiscard]] bool is_tls() const;
  /// Messages the peer took on this connection.
  [[nodiscard]] std::uint32_t messages_sent() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace posthorn::smtp::client
