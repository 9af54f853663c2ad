// The server's half of a POP3 session (RFC 1939, 2449, 5034, 6856) as a pure machine: octets in, events and octets
// out. No sockets, clock, threads. One object a connection, used by one thread.
//
// The pump (flow/access):
//
//   Session session(settings);                        // the greeting stands in the output
//   for (;;) {
//     Event event = session.next();
//     if NeedInput:    write session.take_output(); wait for the socket; session.receive(what was read)
//     if FlushOutput:  write session.take_output()
//     if StartTls:     write session.take_output(); handshake; session.on_tls_established(bindings), or close
//     if Close:        write session.take_output(); close the socket; end
//     a *question*:    exactly one of the answers named beside it
//     anything else:   take note and go on
//   }
//
// - receive() borrows: the octets must stay where they are until next() returns NeedInput, StartTls or Close.
// - Messages are named by their place in the list that opened() got, from 0. The machine knows which are deleted.
// - A message is sent in pieces: after Retrieve say message_begins(), then message_octets() as long as
//   wants_octets(), writing take_output() after each piece, then message_ends().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "standards/sasl/mechanism.h"

namespace posthorn::pop3::server {

/// RFC 2449 4: 255 octets with the line end. A longer line is refused and read past.
inline constexpr std::size_t command_line_octets_max = 255;
/// RFC 5034 4 leaves it to the mechanism; RFC 4954 4 names 12288.
inline constexpr std::size_t auth_line_octets_max = 12288;
/// A line that does not end within this ends the session.
inline constexpr std::size_t endless_line_octets_max = 64 * 1024;
/// Output that collects over pipelined commands before FlushOutput.
inline constexpr std::size_t output_octets_max = 16 * 1024;

struct Limits {
  std::uint32_t errors_max = 20;  ///< refused commands before the session ends
  std::uint32_t auth_attempts_max = 3;
};

/// One a listener, shared by its sessions, which it outlives.
struct Settings {
  std::string host_name;  ///< in the greeting
  Limits limits;
  bool stls = false;                        ///< a certificate is there
  std::vector<sasl::Mechanism> mechanisms;  ///< offered under TLS; -PLUS only where bindings exist
  std::string unknown_login_secret;         ///< see sasl::ServerContext
  /// Random octets; empty: the system's. Tests replace it.
  std::function<std::string(std::size_t)> random;
};

/// One message of the maildrop as LIST and UIDL tell it.
struct Listed {
  std::uint64_t octets = 0;  ///< exactly as RETR sends it, before dots are stuffed
  std::string unique_id;     ///< RFC 1939 7: 1 to 70 characters from 0x21 to 0x7E
};

// ---- events

/// Nothing to do without more octets from the peer.
struct NeedInput {};
/// Much output has collected: write it before going on.
struct FlushOutput {};
/// "+OK" stands in the output. Write it, make the handshake, call on_tls_established(); if it fails, close.
struct StartTls {};
/// *Question.* answer_password(), or not_now() when it cannot be checked.
struct CheckPassword {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string authzid;  ///< empty: the same
  std::string password;
};
/// *Question.* answer_scram_verifier(verifier or nullopt), or not_now().
struct FindScramVerifier {
  std::string authcid;
  std::string authzid;
};
/// *Question.* The login is proven: lock the maildrop and list it. opened(list), in_use(), not_now() or refused().
struct OpenMaildrop {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string authzid;
};
/// A login failed; the -ERR is in the output.
struct AuthenticationFailed {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::string reason;  ///< for the log; the peer hears the same for all
};
/// *Question.* message_begins() and what follows it, or gone() where it cannot be read.
struct Retrieve {
  std::size_t message = 0;
  bool only_top = false;  ///< TOP: the machine says when it has enough (wants_octets)
};
/// *Question.* QUIT in the TRANSACTION state: remove these, all or none; updated(bool). Comes also where there are
/// none.
struct Update {
  std::vector<std::size_t> deleted;
};
enum class CloseReason : unsigned char { quit, too_many_errors, protocol, timeout, shutdown, disconnected };
/// Write what is left, close the connection. Nothing is deleted unless Update came. Every later next() says the same.
struct Close {
  CloseReason reason = CloseReason::quit;
};

using Event = std::variant<NeedInput, FlushOutput, StartTls, CheckPassword, FindScramVerifier, OpenMaildrop,
                           AuthenticationFailed, Retrieve, Update, Close>;

enum class State : unsigned char { authorization, transaction, update };

class Core;

class Session {
 public:
  /// `settings` must outlive the session.
  explicit Session(const Settings& settings);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] Event next();
  void receive(std::string_view octets);
  /// Everything to be written since the last call.
  [[nodiscard]] std::string take_output();

  void answer_password(bool right);
  void answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier);
  /// RFC 3206: the client keeps its password and tries again.
  void not_now(std::string_view why);

  void opened(std::vector<Listed> maildrop);
  /// RFC 2449 8.1.1.
  void in_use();
  /// The login is right and may not come in here; sounds like a wrong password.
  void refused(std::string reason);

  void message_begins();
  [[nodiscard]] bool wants_octets() const;
  void message_octets(std::string_view octets);
  void message_ends();
  void gone();
  void updated(bool done);

  void on_tls_established(sasl::ChannelBindings bindings);
  void on_timeout();
  /// The server ends, or the login was revoked: closes where no question is open; nothing is deleted.
  void on_shutdown(std::string_view words);
  void on_disconnect();

  [[nodiscard]] State state() const;
  [[nodiscard]] bool is_tls() const;
  /// RFC 6856 2: the client has said UTF8.
  [[nodiscard]] bool is_utf8() const;
  /// Octets of an unfinished command or exchange are waiting: the shorter deadline holds.
  [[nodiscard]] bool in_command() const;

 private:
  std::unique_ptr<Core> core_;
};

/// One row a command.
struct CommandRow {
  std::string_view verb;
  std::string_view syntax;
  std::string_view legal;  ///< in words: when it may be said
};
[[nodiscard]] std::vector<CommandRow> command_rows();

}  // namespace posthorn::pop3::server
