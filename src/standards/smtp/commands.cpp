// The table of commands, and the dispatcher that obeys it.
#include "foundation/text/ascii.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

enum Flag : unsigned {
  plain_ok = 1,     ///< legal in clear where TLS is required
  no_login_ok = 2,  ///< legal without login on submission
  idle = 4,         ///< does nothing for any mail: bounded by idle_commands_max
  mail_matter = 8,  ///< its refusals are told to the pump
  no_argument = 16,
};

struct Command {
  std::string_view verb;
  unsigned phases;
  void (*handler)(Core&, std::string_view arguments);
  unsigned flags;
  std::string_view syntax;
  std::string_view legal;
};

// Verb, when it is legal, who handles it. RFC 5321 4.1.4.
// BDAT is legal everywhere for the table: its octets follow in any case, so its handler decides (RFC 3030 2).
constexpr Command commands[] = {
    {"EHLO", phase_any, cmd_ehlo, plain_ok | no_login_ok | idle, "EHLO name", "any time; ends a transaction"},
    {"HELO", phase_any, cmd_helo, plain_ok | no_login_ok | idle, "HELO name", "any time; ends a transaction"},
    {"STARTTLS", phase_ready, cmd_starttls, plain_ok | no_login_ok | no_argument, "STARTTLS", "after EHLO, in clear"},
    {"AUTH", phase_ready, cmd_auth, plain_ok | no_login_ok, "AUTH mechanism [response]",
     "once, after EHLO, under TLS, outside a transaction"},
    {"MAIL", phase_ready, cmd_mail, mail_matter, "MAIL FROM:<path> [parameters]", "after EHLO or HELO"},
    {"RCPT", phase_mail | phase_rcpt, cmd_rcpt, mail_matter, "RCPT TO:<path> [parameters]", "after MAIL"},
    {"DATA", phase_rcpt, cmd_data, mail_matter | no_argument, "DATA", "after an accepted RCPT"},
    {"BDAT", phase_any, cmd_bdat, mail_matter | plain_ok | no_login_ok, "BDAT octets [LAST]", "after an accepted RCPT"},
    {"RSET", phase_any, cmd_rset, plain_ok | no_login_ok | idle | no_argument, "RSET", "any time; ends a transaction"},
    {"NOOP", phase_any, cmd_noop, plain_ok | no_login_ok | idle, "NOOP", "any time"},
    {"VRFY", phase_any, cmd_vrfy, idle, "VRFY string", "any time; says nothing about addresses"},
    {"EXPN", phase_any, cmd_expn, idle, "EXPN string", "any time; refused"},
    {"HELP", phase_any, cmd_help, plain_ok | no_login_ok | idle, "HELP", "any time"},
    {"QUIT", phase_any, cmd_quit, plain_ok | no_login_ok | no_argument, "QUIT", "any time"},
};

const Command* find_command(std::string_view verb) {
  for (const auto& command : commands) {
    if (text::iequals(verb, command.verb)) return &command;
  }
  return nullptr;
}

// What to do instead, in the words of somebody who sees only this line in a log.
std::string_view order_help(const Command& command, Phase phase) {
  if (phase == phase_fresh) return "say EHLO first";
  if (command.verb == "RCPT" && phase == phase_ready) return "say MAIL first (or MAIL was refused)";
  if (command.verb == "DATA" && phase == phase_ready) return "say MAIL first (or MAIL was refused)";
  if (command.verb == "DATA" && phase == phase_mail) return "no recipient was accepted yet";
  if (phase == phase_chunking) return "BDAT has begun: only BDAT can follow, or RSET";
  return "a transaction is open: end it, or say RSET";
}

Reply bad_order(const Command& command, Phase phase, const Core& core) {
  // RFC 5321 3.3: DATA after every RCPT was refused.
  const bool all_refused = command.verb == "DATA" && phase == phase_mail && core.transaction->recipients_refused > 0;
  if (all_refused) return Reply(554, {5, 5, 1}, "No valid recipients: every RCPT was refused");
  return Reply(503, {5, 5, 1},
               std::string(command.verb) + " is out of order: " + std::string(order_help(command, phase)));
}

std::optional<Reply> needs_security(const Core& core, const Command& command) {
  const bool is_submission = core.settings->role != Role::reception;
  const bool wants_tls = is_submission || core.settings->require_tls;
  if (wants_tls && !core.tls && (command.flags & plain_ok) == 0) {
    return Reply(530, {5, 7, 0}, "Say STARTTLS first: this port takes mail only under TLS");
  }
  if (is_submission && core.login.empty() && (command.flags & no_login_ok) == 0) {
    return Reply(530, {5, 7, 0}, "Authentication required: log in with AUTH first");
  }
  return std::nullopt;
}

std::optional<Reply> why_not(const Core& core, const Command& command, std::string_view arguments) {
  if (core.is_greeting_refused && command.verb != "QUIT") {
    // RFC 5321 3.1: after a 554 greeting the server waits for QUIT and answers all else with 503.
    return Reply(503, {5, 5, 1}, "This host takes no mail from you, as its greeting said; only QUIT is left");
  }
  if (auto refusal = needs_security(core, command)) return refusal;
  const Phase phase = core.phase();
  if ((command.phases & phase) == 0) return bad_order(command, phase, core);
  if ((command.flags & no_argument) != 0 && !arguments.empty()) {
    return Reply(501, {5, 5, 4}, std::string(command.verb) + " takes no argument");
  }
  return std::nullopt;
}

void unknown_command(Core& core, std::string_view line) {
  // A web browser made to talk to a mail port (cross-protocol attack): nothing good follows.
  if (line.find(" HTTP/") != std::string_view::npos) {
    core.say(Reply(554, {5, 5, 1}, "This is an SMTP port, not a web server"));
    return core.close(CloseReason::protocol);
  }
  core.refuse(Reply(500, {5, 5, 1}, "Command not known: " + text::printable(line.substr(0, line.find(' ')), 40)));
}

}  // namespace

void dispatch(Core& core, std::string_view line) {
  std::string_view arguments = line;
  const auto verb = text::take_until(arguments, ' ');
  const auto* command = find_command(verb);
  if (command == nullptr) return unknown_command(core, line);
  // RFC 5321 4.1.1: trailing white space is tolerated.
  arguments = text::trim(arguments);
  if (line.size() + 2 > command_line_octets_max && command->verb != "AUTH") {
    return core.refuse(
        Reply(500, {5, 5, 2}, "Line too long: at most " + std::to_string(command_line_octets_max) + " octets"));
  }
  if ((command->flags & idle) != 0 && ++core.idle_commands > core.settings->limits.idle_commands_max) {
    return core.end_session({4, 7, 0}, "Too many commands without a message", CloseReason::too_many_errors);
  }
  const auto refusal = why_not(core, *command, arguments);
  if (refusal && command->handler != cmd_bdat) {
    if ((command->flags & mail_matter) != 0) return core.refuse_mail(line, *refusal);
    return core.refuse(*refusal);
  }
  command->handler(core, arguments);
}

std::vector<CommandRow> command_rows() {
  std::vector<CommandRow> rows;
  for (const auto& command : commands) rows.push_back({command.verb, command.syntax, command.legal});
  return rows;
}

}  // namespace posthorn::smtp::server
