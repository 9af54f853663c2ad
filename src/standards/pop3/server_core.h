// What the session's commands work on. Internal to the room: server.cpp drives it, commands.cpp has the table,
// cmd_*.cpp the commands.
#pragma once

#include <deque>

#include "standards/pop3/dot_stuffer.h"
#include "standards/pop3/server.h"
#include "standards/sasl/server.h"

namespace posthorn::pop3::server {

/// What the next line is.
enum class Reading : unsigned char { commands, auth_response };
/// What must be answered before anything else happens.
enum class Waiting : unsigned char { nothing, password, scram_verifier, maildrop, message, update, tls };

class Core {
 public:
  explicit Core(const Settings& the_settings);

  [[nodiscard]] Event next();
  void receive(std::string_view octets) { input = octets; }

  // replies
  void ok(std::string_view text);
  void err(std::string_view text);
  /// The same with a response code (RFC 2449 8): "[IN-USE] …".
  void err(std::string_view code, std::string_view text);
  /// err(), counted towards errors_max.
  void refuse(std::string_view text);
  void ask(Waiting what, Event question);
  void close(CloseReason reason);

  // the login
  [[nodiscard]] std::vector<sasl::Mechanism> offered() const;
  void begin_exchange(sasl::Mechanism mechanism, std::optional<std::string_view> initial);
  void auth_response(std::string_view line);
  void step(sasl::Step step);
  void login_failed(std::string reason);

  // the maildrop
  /// The message a command names; nullopt (and refused) where there is none or it is deleted.
  [[nodiscard]] std::optional<std::size_t> message_of(std::string_view argument);
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> left() const;

  const Settings& settings;
  State state = State::authorization;
  Reading reading = Reading::commands;
  Waiting waiting = Waiting::nothing;
  std::optional<CloseReason> closed;
  std::deque<Event> events;
  std::string output;
  std::string_view input;
  std::string partial;        ///< a line of which the end has not come
  std::size_t dropped = 0;    ///< octets of a line that is too long already
  bool ends_with_cr = false;  ///< the last octet read was CR: an LF completes it

  bool tls = false;
  bool utf8 = false;
  sasl::ChannelBindings bindings;
  std::unique_ptr<sasl::ServerExchange> exchange;
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string user;  ///< after USER
  std::string authcid;
  std::uint32_t auth_failures = 0;
  std::uint32_t errors = 0;

  std::vector<Listed> maildrop;
  std::vector<bool> deleted;
  std::optional<DotStuffer> stuffer;
  std::optional<std::uint64_t> top_lines;

 private:
  enum class Line : unsigned char { need_input, line, too_long, endless };
  [[nodiscard]] Line read_line(std::string& line);
  /// Octets of the input up to and with the end of this line; npos: it is not there.
  [[nodiscard]] std::size_t end_of_line() const;
  void take_line();
};

/// A row of the table (commands.cpp).
struct Command {
  std::string_view verb;
  std::string_view syntax;
  bool in_authorization;
  bool in_transaction;
  void (*run)(Core& core, std::string_view arguments);
};
[[nodiscard]] const Command* find_command(std::string_view verb);

void cmd_user(Core& core, std::string_view arguments);
void cmd_pass(Core& core, std::string_view arguments);
void cmd_auth(Core& core, std::string_view arguments);
void cmd_stls(Core& core, std::string_view arguments);
void cmd_capa(Core& core, std::string_view arguments);
void cmd_utf8(Core& core, std::string_view arguments);
void cmd_lang(Core& core, std::string_view arguments);
void cmd_quit(Core& core, std::string_view arguments);
void cmd_noop(Core& core, std::string_view arguments);
void cmd_rset(Core& core, std::string_view arguments);
void cmd_stat(Core& core, std::string_view arguments);
void cmd_list(Core& core, std::string_view arguments);
void cmd_uidl(Core& core, std::string_view arguments);
void cmd_retr(Core& core, std::string_view arguments);
void cmd_top(Core& core, std::string_view arguments);
void cmd_dele(Core& core, std::string_view arguments);

}  // namespace posthorn::pop3::server
