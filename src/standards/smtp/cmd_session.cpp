// The small commands: RSET, NOOP, QUIT, HELP, VRFY, EXPN, STARTTLS.
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {

// RFC 5321 4.1.1.5.
void cmd_rset(Core& core, std::string_view) {
  core.reset_transaction(true);
  core.say(Reply(250, {2, 0, 0}, "Reset"));
}

// RFC 5321 4.1.1.9: an argument is ignored.
void cmd_noop(Core& core, std::string_view) {
  core.say(Reply(250, {2, 0, 0}, "Nothing done"));
}

// RFC 5321 4.1.1.10.
void cmd_quit(Core& core, std::string_view) {
  core.reset_transaction(true);
  core.say(Reply(221, {2, 0, 0}, core.settings->host_name + " Goodbye"));
  core.close(CloseReason::quit);
}

void cmd_help(Core& core, std::string_view) {
  core.say(Reply(214, {2, 0, 0}, core.settings->help));
}

// RFC 5321 7.3: saying who exists helps nobody but those who guess addresses.
void cmd_vrfy(Core& core, std::string_view arguments) {
  if (arguments.empty()) return core.refuse(Reply(501, {5, 5, 4}, "Write VRFY address"));
  core.say(Reply(252, {2, 0, 0}, "Cannot say without a message; RCPT decides"));
}

void cmd_expn(Core& core, std::string_view) {
  core.refuse(Reply(502, {5, 5, 1}, "Lists are not shown here"));
}

// RFC 3207 4. The last command of its group: plaintext behind it would be taken for encrypted commands, so it
// ends the session.
void cmd_starttls(Core& core, std::string_view) {
  if (core.tls) return core.refuse(Reply(503, {5, 5, 1}, "TLS is on already"));
  if (!core.settings->starttls || !core.is_esmtp)
    return core.refuse(Reply(502, {5, 5, 1}, "STARTTLS is not offered here"));
  if (!core.input.empty()) {
    core.say(Reply(503, {5, 5, 1}, "Nothing may follow STARTTLS before the handshake; closing"));
    return core.close(CloseReason::protocol);
  }
  core.say(Reply(220, {2, 0, 0}, "Ready to start TLS"));
  core.push(StartTls{});
}

}  // namespace posthorn::smtp::server
