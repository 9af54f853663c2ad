// Inside of the server machine: what Session (server.h) holds, and what the files cmd_*.cpp work on.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "standards/imap/capabilities.h"
#include "standards/imap/parse.h"
#include "standards/imap/scanner.h"
#include "standards/imap/server.h"
#include "standards/sasl/server.h"

namespace posthorn::imap::server {

[[nodiscard]] inline Fault bad(std::string_view text) {
  return {.is_bad = true, .code = {}, .text = std::string(text)};
}

/// What the input means at this moment.
enum class Reading : unsigned char {
  line,           ///< a command, or what follows a literal of it
  literal,        ///< octets that belong to the command's text
  append,         ///< octets of a message
  parts,          ///< what is left of a line within CATENATE
  dropped,        ///< octets of a literal of a refused command
  auth_response,  ///< a line of an AUTHENTICATE exchange
  idle,           ///< DONE
};

/// What the pump has to answer before next() may be called again.
enum class Open : unsigned char {
  nothing,
  greeting,
  password,
  scram,
  execution,
  append_begins,
  append_part,
  append_ends
};

/// What the command being executed does to the state once it is done.
enum class Effect : unsigned char { none, select, unselect };

/// An APPEND or REPLACE whose literals are being read.
struct Appending {
  AppendTarget target;
  AppendMessage message;
  std::size_t messages = 0;
  bool is_told = false;             ///< the pump knows of one message at least
  std::optional<LiteralMark> mark;  ///< that ends the line being read
  // ---- of the present message, where it is catenated
  bool is_in_parts = false;   ///< its parenthesis is open; Core::text begins with what is unread of the parts
  bool is_utf8_part = false;  ///< the literal of the present part must be closed by a parenthesis
  std::size_t parts = 0;
  std::uint64_t text_octets = 0;  ///< of its texts
  bool is_text = false;           ///< the present part is one
};

class Core {
 public:
  Core(const Settings& session_settings, PeerFacts session_peer);

  // ---- the pump's side
  [[nodiscard]] Event next();
  void receive(std::string_view octets);
  void accept();
  void refuse_connection(std::string_view text);
  void answer_password(bool right);
  void answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier);
  void login_unavailable();
  void refuse_append(const ResponseCode& code, std::string_view text);
  void complete(Condition condition, const ResponseCode& code, std::string_view text);
  void deselect();
  void end(const ResponseCode& code, std::string_view text, CloseReason reason);
  void on_tls_established(TlsFacts facts);
  void on_timeout();
  void on_disconnect();

  // ---- the commands' side
  void respond(Condition condition, const ResponseCode& code, std::string_view text);
  /// Answers the command with its fault and counts it; too many end the session.
  void refuse(const Fault& fault);
  void push(Event event) { events.push_back(std::move(event)); }
  /// APPEND and REPLACE, from behind their name: their messages are read as they come.
  void begin_append(Scanner& in, bool is_replace, bool is_uid, std::optional<LiteralMark> mark);
  /// Hands a command over.
  void execute(CommandBody body, Effect effect = Effect::none);
  /// RFC 7162 3.1: a CONDSTORE-enabling command.
  void enable_condstore();
  void close(CloseReason reason);
  void bye(const ResponseCode& code, std::string_view text, CloseReason reason);
  void sasl_step(sasl::Step step);
  void authenticated(const std::string& who, const std::string& as);
  void authentication_failed(const Fault& fault, std::string reason);
  [[nodiscard]] ParseContext parse_context() const;
  [[nodiscard]] CapabilityFacts capability_facts() const;
  [[nodiscard]] std::vector<sasl::Mechanism> offered() const;
  [[nodiscard]] bool may_login() const { return tls != nullptr || settings->allow_clear_login; }
  [[nodiscard]] std::string random(std::size_t count) const;
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] bool is_between_commands() const;

  // ---- state
  const Settings* settings;
  PeerFacts peer;
  std::unique_ptr<TlsFacts> tls;
  std::string login;
  State state = State::not_authenticated;
  Reading reading = Reading::line;
  Open open = Open::nothing;
  Effect effect = Effect::none;
  bool is_greeting_told = false;
  bool is_tls_pending = false;
  bool is_idling = false;
  bool is_idle_cut = false;       ///< the server ended the IDLE: no tagged answer
  bool is_idle_broken = false;    ///< something else than DONE came
  bool is_condstore_new = false;  ///< enabled by the command being read
  bool is_login_command = false;
  std::optional<CloseReason> closed;
  std::optional<CloseReason> ending;  ///< as soon as no command is open
  std::string tag = "*";
  std::string command_name;  ///< of the command being read, for the log
  ResponseWriter writer;
  std::unique_ptr<sasl::ServerExchange> exchange;
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::string authcid;
  std::unique_ptr<Appending> appending;
  std::optional<Fault> refusal;  ///< of the command being read: its octets are dropped, then this is said
  std::uint32_t bad_commands = 0;
  std::uint32_t auth_failures = 0;
  std::uint64_t octets_left = 0;     ///< of the literal being read
  std::uint64_t dropped_octets = 0;  ///< of the command being refused
  std::string text;                  ///< the command as read so far
  std::size_t line_begin = 0;        ///< of its last line
  std::string_view input;
  std::vector<Event> events;

 private:
  [[nodiscard]] Event take_event();
  [[nodiscard]] bool step();
  [[nodiscard]] bool step_line();
  [[nodiscard]] bool step_octets();
  /// Takes a line into `text`; false: it has not ended.
  [[nodiscard]] bool take_line();
  void keep_line(std::string_view octets);
  void on_line();
  void on_idle_line(std::string_view line);
  void on_command_line();
  void on_refused_line(std::string_view line);
  void on_appended_line(std::string_view line);
  void on_literal_mark(const LiteralMark& mark);
  void begin_literal(const LiteralMark& mark);
  /// The command is refused while a literal of it stands before us.
  void refuse_at_literal(Fault fault, bool is_synchronizing, std::uint64_t octets);
  void drop_octets(std::uint64_t octets);
  /// Whether the line is an APPEND or REPLACE up to a message's literal; then it is taken over.
  [[nodiscard]] bool begin_append_at(const LiteralMark& mark);
  void next_append_message(Scanner& in);
  void offer_append(const Scanner& in);
  /// The command is refused where its line ends in the mark that `appending` knows, or in none.
  void refuse_append_line(Fault fault);
  void next_part();
  void offer_part(const Scanner& in, CatPart part);
  void end_parts(const Scanner& in);
  void abort_append();
  void dispatch();
  void forget_command();
  void end_if_wanted();
};

/// One row a command.
struct Row {
  std::string_view name;
  unsigned states = 0;  ///< bits of in_…
  void (*handle)(Core& core, Scanner& in, bool is_uid) = nullptr;
  bool has_uid_form = false;
  bool has_arguments = true;
  bool is_append = false;  ///< its literals are streamed
};
inline constexpr unsigned in_not_authenticated = 1;
inline constexpr unsigned in_authenticated = 2;
inline constexpr unsigned in_selected = 4;
[[nodiscard]] std::span<const Row> command_table();

/// The start of a command: tag SP [UID SP] name [SP]; `in` stands behind it.
struct CommandStart {
  const Row* row = nullptr;
  bool is_uid = false;
};
/// Reads tag and name into `core`, finds the row and checks the state; leaves the fault in `in`.
[[nodiscard]] CommandStart read_start(Core& core, Scanner& in);

// ---- commands the machine answers itself (cmd_session.cpp, cmd_login.cpp)
void cmd_capability(Core& core, Scanner& in, bool is_uid);
void cmd_logout(Core& core, Scanner& in, bool is_uid);
void cmd_id(Core& core, Scanner& in, bool is_uid);
void cmd_enable(Core& core, Scanner& in, bool is_uid);
void cmd_starttls(Core& core, Scanner& in, bool is_uid);
void cmd_idle(Core& core, Scanner& in, bool is_uid);
void cmd_login(Core& core, Scanner& in, bool is_uid);
void cmd_authenticate(Core& core, Scanner& in, bool is_uid);
/// A line of an AUTHENTICATE exchange.
void auth_response(Core& core, std::string_view line);

}  // namespace posthorn::imap::server
