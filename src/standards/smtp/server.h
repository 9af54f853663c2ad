// The server's half of an SMTP session (RFC 5321 and the extensions in extensions.h) as a pure machine: octets
// in, events and octets out. No sockets, clock, threads. One object a connection, used by one thread.
//
// The pump (flow/smtp_service):
//
//   Session session(settings, peer);
//   for (;;) {
//     Event event = session.next();
//     if NeedInput:    write session.take_output(); wait for the socket (deadline by session.deadline());
//                      borrow a buffer; session.receive(what was read)        // or on_timeout(), on_disconnect()
//     if FlushOutput:  write session.take_output()
//     if StartTls:     write session.take_output(); handshake; session.on_tls_established(facts), or close
//     if Close:        write session.take_output(); close the socket; end
//     a *decision* (marked below): look at the world, then session.accept() or session.reply(...)
//     a *question* (marked below): session.answer_…(…) or session.reply(454 …)
//     anything else:   take note and go on
//   }
//
// - The first event is Connected, before the greeting is sent. With implicit TLS (Role::submissions) the pump
//   makes the handshake and calls on_tls_established() before the first next().
// - receive() borrows: the octets must stay where they are until next() returns NeedInput, StartTls or Close.
//   MessageOctets point into them. An idle session thus needs no read buffer; it holds under 3 KB itself.
// - Output collects over a batch of pipelined commands; write it only where the loop above says so.
// - Exactly one decision call answers a decision event; next() before it is a programming error (it ends the
//   process).
// - Between MessageBegins and MessageEnds (or MessageAborted) come the octets of the message: dots unstuffed,
//   every line ended by CRLF, no bare CR, bare LF or NUL, no line over 64 KB. A violation aborts the message at
//   once and is answered when its true end has been read.
// - A transaction is over after the decision on MessageEnds, after MessageAborted, and at Reset.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/ip_address.h"
#include "standards/address/mailbox.h"
#include "standards/sasl/mechanism.h"
#include "standards/smtp/extensions.h"
#include "standards/smtp/parameters.h"
#include "standards/smtp/reply.h"

namespace posthorn::smtp::server {

// ---- limits --------------------------------------------------------------------------------------------------

/// RFC 5321 4.5.3.1.4 says 512; with the parameters of SIZE, AUTH (RFC 4954 5: +500), DSN (RFC 3461 5: +600)
/// and UTF-8 about 1,900.
inline constexpr std::size_t command_line_octets_max = 2048;
/// RFC 4954 4: responses of 12288 octets, and around them "AUTH SCRAM-SHA-256-PLUS " and CRLF.
inline constexpr std::size_t auth_line_octets_max = 12288 + 26;
/// A line that does not end within this ends the session.
inline constexpr std::size_t endless_line_octets_max = MiB;
/// RFC 5321 4.5.3.1.6 says 1000; up to 64 KB are taken unchanged, since HTML generators write such lines. With CRLF.
inline constexpr std::size_t text_line_octets_max = 64 * KiB + 2;
/// Output that collects before FlushOutput.
inline constexpr std::size_t output_octets_max = 16 * KiB;

struct Limits {
  std::uint64_t message_size_octets_max = 50 * MiB;  ///< 0: none
  std::uint32_t recipients_max = 1000;               ///< a transaction; RFC 5321 4.5.3.1.8: at least 100
  std::uint32_t mails_max = 0;                       ///< transactions a session; 0: none
  std::uint32_t errors_max = 10;                     ///< refused commands before 421
  std::uint32_t unknown_recipients_max = 20;         ///< refused RCPTs before 421, since the last accepted message
  std::uint32_t idle_commands_max = 100;             ///< NOOP, RSET, VRFY, EHLO… since the last accepted message
  std::uint32_t auth_attempts_max = 3;
  /// Octets of a refused message that are still read before the session is ended instead.
  std::uint64_t discarded_octets_max = 100 * MiB;
};

// ---- settings and facts --------------------------------------------------------------------------------------

enum class Role : unsigned char {
  reception,    ///< port 25: no AUTH
  submission,   ///< port 587: STARTTLS, then AUTH, then mail
  submissions,  ///< port 465: TLS from the first octet, then AUTH
};

/// One a listener, shared by its sessions, which it outlives. On reload make a new one.
struct Settings {
  std::string host_name;  ///< in the greeting and the EHLO reply
  Role role = Role::reception;
  Limits limits;
  bool starttls = false;  ///< a certificate is there
  bool smtputf8 = true;
  bool chunking = true;
  bool dsn = true;
  bool require_tls = false;                 ///< reception: refuse MAIL in clear with 530 5.7.0; submission always does
  std::vector<sasl::Mechanism> mechanisms;  ///< offered by submission under TLS; -PLUS only where bindings exist
  std::string unknown_login_secret;         ///< see sasl::ServerContext
  std::string help = "See RFC 5321; mail postmaster for help";  ///< HELP answers with it
  /// Random octets; empty: the system's. Tests replace it.
  std::function<std::string(std::size_t)> random;
};

struct PeerFacts {
  IpAddress address;
  std::uint16_t port = 0;
};

/// What the handshake agreed; for Received, stories and channel binding.
struct TlsFacts {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
  unsigned cipher_bits = 0;
  std::string server_name;  ///< SNI; may be empty
  sasl::ChannelBindings bindings;
};

/// The deadline that applies while the session waits for input (RFC 5321 4.5.3.2.7: 5 minutes a command).
enum class Deadline : unsigned char {
  command,       ///< waiting for a command
  message_data,  ///< within DATA or a BDAT chunk: a block at a time
  authentication,
};

// ---- events --------------------------------------------------------------------------------------------------

/// Nothing to do without more octets from the peer.
struct NeedInput {};
/// Much output has collected (hostile pipelining): write it before going on.
struct FlushOutput {};
/// *Decision.* accept(): the 220 greeting. reply(421 or 554 …): refused and closed (RFC 7504 asks that the peer
/// may still say QUIT; it gets 503 for the rest).
struct Connected {};
/// *Decision.* EHLO or HELO with this argument (as sent: it may be anything printable; empty never).
struct Hello {
  bool esmtp = false;
  std::string name;
};
/// *Decision.* accept(): 250 2.1.0.
struct Mail {
  address::ReversePath path;
  MailParameters parameters;
};
/// *Decision.* accept(): 250 2.1.5. A permanent refusal counts as an unknown recipient.
struct Recipient {
  address::ForwardPath path;
  RcptParameters parameters;
};
/// *Decision,* before anything is read: accept(): 354 (DATA) or on with the chunk (BDAT). reply(4yz, 5yz): the
/// transaction is over.
struct MessageBegins {
  bool chunking = false;  ///< BDAT
};
/// A piece of the message; valid until the next call of next().
struct MessageOctets {
  std::string_view octets;
};
/// *Decision.* The message is whole: answer after it is on stable storage. accept(): "250 2.0.0 Accepted".
struct MessageEnds {
  std::uint64_t size_octets = 0;
};
/// What was begun will not end: drop it. The peer gets `reply` in due time, with what mark_refusal() adds to it.
struct MessageAborted {
  Reply reply;
};
/// RSET, a second EHLO, or STARTTLS: no transaction is open now. Comes only where one was.
struct Reset {};
/// 220 stands in the output. Write it, make the handshake, call on_tls_established(); if it fails, close.
struct StartTls {};
/// *Question.* answer_password(true or false), or reply(454 4.7.0 …) when it cannot be checked now.
/// `authzid` may be empty: the same as authcid. Refuse an authzid that authcid may not act as with false.
struct CheckPassword {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string authzid;
  std::string password;
};
/// *Question.* answer_scram_verifier(verifier or nullopt), or reply(454 4.7.0 …).
struct FindScramVerifier {
  std::string authcid;
  std::string authzid;
};
/// The peer is logged in; 235 is in the output. Comes once.
struct Authenticated {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string authzid;  ///< empty: the same
};
/// A login failed; for limits and the journal. The 535 is in the output.
struct AuthenticationFailed {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;  ///< empty when the exchange broke before a name was known
  std::string reason;   ///< for the log; the peer hears the same for all
};
/// The machine itself refused a command (syntax, order, limits): for stories. Only refusals that concern mail
/// (MAIL, RCPT, DATA, BDAT) or end the session are told.
struct Refused {
  std::string command;  ///< printable, cut, without secrets
  Reply reply;
};
enum class CloseReason : unsigned char {
  quit,      ///< the peer said QUIT
  refused,   ///< the greeting refused it
  protocol,  ///< bare LF, plaintext behind STARTTLS, an HTTP request, an endless line
  too_many_errors,
  discarded_too_much,
  timeout,
  shutdown,
  disconnected,
};
/// Write what is left, close the connection. Every later next() says the same.
struct Close {
  CloseReason reason = CloseReason::quit;
};

using Event = std::variant<NeedInput, FlushOutput, Connected, Hello, Mail, Recipient, MessageBegins, MessageOctets,
                           MessageEnds, MessageAborted, Reset, StartTls, CheckPassword, FindScramVerifier,
                           Authenticated, AuthenticationFailed, Refused, Close>;

// ---- the machine ---------------------------------------------------------------------------------------------

class Core;

class Session {
 public:
  /// `settings` must outlive the session.
  Session(const Settings& settings, PeerFacts peer);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] Event next();
  /// Precondition: next() said NeedInput (or nothing was received yet). `octets` are borrowed, see above.
  /// What comes before the greeting was accepted marks the peer as an early talker.
  void receive(std::string_view octets);
  /// Everything to be written since the last call.
  [[nodiscard]] std::string take_output();

  void accept();
  /// The answer to a decision or question in our own words: 2yz accepts, 4yz and 5yz refuse; 421 also closes.
  void reply(const Reply& reply);
  /// After MessageAborted: the id under which its story is kept, for the reply that the peer will get.
  void mark_refusal(std::string_view id);
  void answer_password(bool right);
  void answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier);

  void on_tls_established(TlsFacts facts);
  /// The deadline passed: 421 4.4.2, then Close. A message that was open is aborted first.
  void on_timeout();
  /// The server ends: 421 4.3.2 as soon as no decision is open and no message is being read.
  void on_shutdown();
  /// The connection is gone: the next events are MessageAborted where a message was open, and Close.
  void on_disconnect();

  // ---- facts, for Received fields, stories and limits
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] const PeerFacts& peer() const;
  [[nodiscard]] const TlsFacts* tls() const;          ///< nullptr: in clear
  [[nodiscard]] std::string_view hello_name() const;  ///< as the peer said it; empty before
  [[nodiscard]] bool is_esmtp() const;
  [[nodiscard]] std::string_view login() const;  ///< authcid; empty: not authenticated
  /// For the transaction in progress (SMTPUTF8 shows in it).
  [[nodiscard]] WithProtocol protocol() const;
  [[nodiscard]] bool is_early_talker() const;
  [[nodiscard]] bool in_transaction() const;
  /// Transactions whose message was accepted.
  [[nodiscard]] std::uint32_t messages_accepted() const;
  /// What EHLO offers at this moment.
  [[nodiscard]] Extensions offered() const;

 private:
  std::unique_ptr<Core> core_;
};

/// One row a command, for `help`, the documents and the tests.
struct CommandRow {
  std::string_view verb;
  std::string_view syntax;
  std::string_view legal;  ///< in words: when it may be said
};
[[nodiscard]] std::vector<CommandRow> command_rows();

}  // namespace posthorn::smtp::server
