// The server's half of an IMAP session (RFC 9051, RFC 3501 and the extensions in capabilities.h) as a pure machine:
// octets in, events and octets out. No sockets, clock, threads. One object a connection, used by one thread.
//
// The pump (flow/access):
//
//   Session session(settings, peer);
//   for (;;) {
//     Event event = session.next();
//     if NeedInput:    write session.take_output(); wait for the socket (deadline by session.deadline()); borrow a
//                      buffer; session.receive(what was read)              // or on_timeout(), on_disconnect()
//     if FlushOutput:  write session.take_output()
//     if StartTls:     write session.take_output(); handshake; session.on_tls_established(facts), or close
//     if Close:        write session.take_output(); close the socket; end
//     Connected:       session.accept() or session.refuse(text)
//     a *question*:    session.answer_…(…) or session.unavailable()
//     Execute:         do it, writing untagged responses to session.responses(); then session.complete(…)
//     AppendBegins…    see there
//     IdleEnds:        stop writing changes; session.complete(ok)
//     (After NOTIFY the pump may also write to responses() between commands: is_between_commands().)
//     anything else:   take note and go on
//   }
//
// - receive() borrows: the octets must stay where they are until next() returns NeedInput, StartTls or Close.
//   AppendOctets point into them. An idle session thus needs no read buffer; it holds under 1 KB itself.
// - While an Execute is open the executor may write and flush (`take_output`) as often as it likes. During IDLE the
//   pump is both in NeedInput and allowed to write to responses().
// - complete() before a next() answers the command; next() while one is open is a programming error (it ends the
//   process), except during IDLE.
// - What the machine answers itself: CAPABILITY, LOGOUT, ID, ENABLE, STARTTLS, LOGIN and AUTHENTICATE up to the
//   question, everything that is wrong in syntax or state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/ip_address.h"
#include "standards/imap/command.h"
#include "standards/imap/response.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::imap::server {

// ---- limits --------------------------------------------------------------------------------------------------

/// Octets of a command line before login, its literals included: a login name and a password (RFC 2683 3.2.1.5:
/// at least 1,000 for LOGIN), a SASL response, or ID (RFC 2971 3.3: 30 values of 1,024).
inline constexpr std::size_t command_octets_unauthenticated_max = 64 * KiB;
/// RFC 7162 4 asks for at least 8,192; a FETCH of 100,000 single uids has 700 KB, and no more is kept of a command.
inline constexpr std::size_t command_octets_max = MiB;
/// Octets of a refused literal or an endless line that are read and dropped before the session is ended.
inline constexpr std::uint64_t discarded_octets_max = 64 * MiB;
/// RFC 9051 2.2.1: a tag is some letters and digits.
inline constexpr std::size_t tag_octets_max = 128;
/// Output that collects before FlushOutput.
inline constexpr std::size_t output_octets_max = 64 * KiB;

struct Limits {
  std::uint64_t append_octets_max = 50 * MiB;  ///< APPENDLIMIT; 0: none
  std::uint32_t bad_commands_max = 10;         ///< in a row before BYE
  std::uint32_t auth_attempts_max = 3;
  std::uint32_t appended_messages_max = 10'000;  ///< of one MULTIAPPEND
  std::uint32_t catenated_parts_max = 1'000;     ///< of one message of CATENATE
  std::uint32_t notify_names_max = 1'000;        ///< mailboxes that one NOTIFY names
};

// ---- settings and facts --------------------------------------------------------------------------------------

/// One a listener, shared by its sessions, which it outlives. On reload make a new one.
struct Settings {
  std::string host_name;  ///< in the greeting
  Limits limits;
  bool starttls = false;                    ///< a certificate is there, and the listener begins in clear
  bool allow_clear_login = false;           ///< passwords without TLS; tests only
  std::vector<sasl::Mechanism> mechanisms;  ///< offered under TLS; -PLUS only where bindings exist
  std::string unknown_login_secret;         ///< see sasl::ServerContext
  bool quota = true;                        ///< QUOTA is offered
  std::vector<std::pair<std::string, std::string>> id = {{"name", "Posthorn"}};  ///< our answer to ID
  /// Random octets; empty: the system's. Tests replace it.
  std::function<std::string(std::size_t)> random;
};

struct PeerFacts {
  IpAddress address;
  std::uint16_t port = 0;
};

/// What the handshake agreed.
struct TlsFacts {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;
  sasl::ChannelBindings bindings;
};

enum class State : unsigned char { not_authenticated, authenticated, selected, logout };

/// The deadline that applies while the session waits for input.
enum class Deadline : unsigned char {
  login,    ///< not authenticated yet
  command,  ///< RFC 9051 5.4: at least 30 minutes
  idle,     ///< in IDLE: the same 30 minutes (RFC 2177: clients renew it after 29)
  literal,  ///< in the middle of a command or a literal
};

// ---- events --------------------------------------------------------------------------------------------------

/// Nothing to do without more octets from the peer.
struct NeedInput {};
/// Much output has collected (hostile pipelining): write it before going on.
struct FlushOutput {};
/// *Decision.* accept(): the greeting. refuse(text): "* BYE text", then Close.
struct Connected {};
/// The tagged OK stands in the output. Write it, make the handshake, call on_tls_established(); if it fails, close.
struct StartTls {};
/// *Question.* answer_password(right), or unavailable(). `authzid` may be empty: the same as authcid.
struct CheckPassword {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  bool is_login_command = false;  ///< LOGIN instead of AUTHENTICATE
  std::string authcid;
  std::string authzid;
  std::string password;
};
/// *Question.* answer_scram_verifier(verifier or nullopt), or unavailable().
struct FindScramVerifier {
  std::string authcid;
  std::string authzid;
};
/// The peer is logged in; the tagged OK is in the output. Comes once.
struct Authenticated {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string authzid;  ///< empty: the same
};
/// A login failed; for limits and the journal. The NO is in the output.
struct AuthenticationFailed {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;  ///< empty when the exchange broke before a name was known
  std::string reason;   ///< for the log; the peer hears the same for all
};
/// The client told who it is (RFC 2971); for the log, bounded.
struct ClientId {
  std::vector<std::pair<std::string, std::string>> fields;
};
/// *Execution.* Write untagged responses, then complete(…). `tag` is what ESEARCH echoes.
struct Execute {
  std::string tag;
  CommandBody command;
  /// This very command switched CONDSTORE on: with a mailbox selected, tell its HIGHESTMODSEQ (RFC 7162 3.1.1).
  bool enabled_condstore = false;
};
/// DONE came (or the session ends): complete the IdleCommand.
struct IdleEnds {};

/// *Decision*, before the literal of a message is asked for. accept(): the octets follow. refuse_append(…): the whole
/// command is answered with that NO once its octets have gone by; nothing more is told of it (what was begun before
/// in a MULTIAPPEND is to be dropped).
struct AppendBegins {
  std::string tag;
  AppendTarget target;
  AppendMessage message;
};
/// A piece of the message; valid until the next call of next().
struct AppendOctets {
  std::string_view octets;
};
/// This message is whole; another AppendBegins (MULTIAPPEND) or AppendEnds follows.
struct AppendMessageEnds {};
/// *Execution.* The command is whole: store all its messages at once, then complete(…).
struct AppendEnds {};
/// *Decision*, of each part of a message of CATENATE (RFC 4469), as AppendBegins. accept(): a text's octets follow;
/// what the URL names was put in its place.
struct AppendPart {
  std::optional<std::string> url;  ///< as the client wrote it; nullopt: a text
  std::uint64_t size_octets = 0;   ///< of a text
};
/// What was begun will not end (syntax after a literal, a disconnect): drop it. The peer has its answer.
struct AppendAborted {};

/// The machine refused a command; for the log.
struct Refused {
  std::string command;  ///< its name, printable
  std::string why;
};
enum class CloseReason : unsigned char {
  logout,    ///< the peer said LOGOUT
  refused,   ///< the greeting refused it
  protocol,  ///< plaintext behind STARTTLS, an endless line or literal, another protocol
  too_many_errors,
  timeout,
  shutdown,
  ended,  ///< end(): the executor wanted it
  disconnected,
};
/// Write what is left, close the connection. Every later next() says the same.
struct Close {
  CloseReason reason = CloseReason::logout;
};

using Event = std::variant<NeedInput, FlushOutput, Connected, StartTls, CheckPassword, FindScramVerifier, Authenticated,
                           AuthenticationFailed, ClientId, Execute, IdleEnds, AppendBegins, AppendOctets, AppendPart,
                           AppendMessageEnds, AppendEnds, AppendAborted, Refused, Close>;

/// How a command ended.
enum class Condition : unsigned char { ok, no, bad };

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
  void receive(std::string_view octets);
  /// Everything to be written since the last call, tagged and untagged, in order.
  [[nodiscard]] std::string take_output();
  [[nodiscard]] std::size_t output_size() const;

  void accept();
  void refuse(std::string_view text);
  void answer_password(bool right);
  void answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier);
  /// The login cannot be checked now: NO [UNAVAILABLE].
  void unavailable();
  void refuse_append(const ResponseCode& code, std::string_view text);

  /// Where untagged responses of the open command (or of IDLE) go.
  [[nodiscard]] ResponseWriter& responses();
  /// Ends the open command: "tag OK [code] text". An OK of SELECT selects (text "SELECT completed" is the caller's).
  void complete(Condition condition, const ResponseCode& code, std::string_view text);
  void complete(Condition condition, std::string_view text) { complete(condition, {}, text); }
  /// CONDSTORE was switched on by the mailbox's opening or a command (RFC 7162 3.1): MODSEQ is written from now on.
  void enable_condstore();
  /// The selected mailbox is gone (deleted elsewhere): the state falls back to authenticated.
  void deselect();
  /// Ends the session as soon as no command is open: "* BYE [code] text" (revoked login, a mailbox that is gone).
  void end(const ResponseCode& code, std::string_view text);

  void on_tls_established(TlsFacts facts);
  void on_timeout();     ///< BYE, then Close
  void on_shutdown();    ///< BYE as soon as no command is open; in IDLE at once (IdleEnds first)
  void on_disconnect();  ///< AppendAborted or IdleEnds where open, then Close

  // ---- facts
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] State state() const;
  [[nodiscard]] const PeerFacts& peer() const;
  [[nodiscard]] const TlsFacts* tls() const;  ///< nullptr: in clear
  [[nodiscard]] std::string_view login() const;
  [[nodiscard]] const Encoding& encoding() const;
  [[nodiscard]] bool is_idling() const;
  /// No command is begun, or it is IDLE: what NOTIFY asked for may be written to responses() (RFC 5465 3.1).
  [[nodiscard]] bool is_between_commands() const;
  /// More of what the peer has sent is waiting: a pipelined command follows.
  [[nodiscard]] bool has_input() const;
  /// What CAPABILITY says at this moment.
  [[nodiscard]] std::string capabilities() const;

 private:
  std::unique_ptr<Core> core_;
};

/// One row a command, for the documents and the tests.
struct CommandRow {
  std::string_view name;
  std::string_view legal;  ///< in words: the states it may be said in
};
[[nodiscard]] std::vector<CommandRow> command_rows();

}  // namespace posthorn::imap::server
