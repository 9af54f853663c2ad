// MAIL (RFC 5321 4.1.1.2).
#include "foundation/text/ascii.h"
#include "standards/address/smtp_parse.h"
#include "standards/smtp/path_argument.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

std::optional<Reply> over_limits(const Core& core, const MailParameters& parameters) {
  const auto& limits = core.settings->limits;
  if (limits.mails_max != 0 && core.mails >= limits.mails_max) {
    return Reply(451, {4, 5, 3}, "Enough messages on one connection: open another");
  }
  if (core.size_max() != 0 && parameters.size.value_or(0) > core.size_max()) {
    // RFC 1870 6.1.
    return Reply(552, {5, 3, 4},
                 "Message too large: this server takes up to " + std::to_string(core.size_max()) + " octets");
  }
  return std::nullopt;
}

}  // namespace

// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
void cmd_mail(Core& core, std::string_view arguments) {
  const auto offered = core.offered();
  const auto refuse = [&](const Reply& reply) { core.refuse_mail("MAIL " + std::string(arguments), reply); };
  auto text = arguments;
  if (!take_keyword(text, "FROM:")) return refuse(Reply(501, {5, 5, 4}, "Write MAIL FROM:<address>"));
  auto path = address::parse_reverse_path(text, address::Utf8::allowed);
  if (!path) return refuse(bad_path(path.error(), {5, 1, 7}));
  auto parameters = parse_mail_parameters(path->rest, offered);
  if (!parameters) return refuse(parameters.error());
  const auto path_text = text.substr(0, text.size() - path->rest.size());
  if (!parameters->smtputf8 && !text::is_ascii(path_text)) return refuse(needs_smtputf8());
  if (const auto refusal = over_limits(core, *parameters)) return refuse(*refusal);
  core.is_mail_asked_utf8 = parameters->smtputf8;
  core.push(Mail{std::move(path->path), std::move(*parameters)});
}

}  // namespace posthorn::smtp::server
