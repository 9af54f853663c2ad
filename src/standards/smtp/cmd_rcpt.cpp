// RCPT (RFC 5321 4.1.1.3).
#include "foundation/text/ascii.h"
#include "standards/address/smtp_parse.h"
#include "standards/smtp/path_argument.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {

// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
void cmd_rcpt(Core& core, std::string_view arguments) {
  const auto refuse = [&](const Reply& reply) {
    ++core.transaction->recipients_refused;
    core.refuse_mail("RCPT " + std::string(arguments), reply);
  };
  auto text = arguments;
  if (!take_keyword(text, "TO:")) return refuse(Reply(501, {5, 5, 4}, "Write RCPT TO:<address>"));
  auto path = address::parse_forward_path(text, address::Utf8::allowed);
  if (!path) return refuse(bad_path(path.error(), {5, 1, 3}));
  auto parameters = parse_rcpt_parameters(path->rest, core.offered());
  if (!parameters) return refuse(parameters.error());
  const auto path_text = text.substr(0, text.size() - path->rest.size());
  if (!core.transaction->smtputf8 && !text::is_ascii(path_text)) return refuse(needs_smtputf8());
  if (core.transaction->recipients >= core.settings->limits.recipients_max) {
    // RFC 5321 4.5.3.1.10: 452, and the recipients so far are served. Not an error of the peer's.
    const Reply full(452, {4, 5, 3}, "Too many recipients in one message; send it again for the rest");
    core.push(Refused{"RCPT " + text::printable(arguments), full});
    return core.say(full);
  }
  core.push(Recipient{std::move(path->path), std::move(*parameters)});
}

}  // namespace posthorn::smtp::server
