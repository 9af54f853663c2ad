// BDAT (RFC 3030 2). Whatever the answer, the chunk's octets follow and are read; a size that cannot be read
// leaves nobody knowing where the next command begins, so it ends the session.
#include "foundation/text/ascii.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

std::optional<Reply> refusal_of(const Core& core) {
  if (!core.settings->chunking || !core.is_esmtp) return Reply(502, {5, 5, 1}, "BDAT is not offered here");
  // RFC 3030 2: no transaction, or no recipient: 503.
  if (!core.transaction) return Reply(503, {5, 5, 1}, "BDAT is out of order: say MAIL and RCPT first");
  if (core.transaction->recipients > 0) return std::nullopt;
  if (core.transaction->recipients_refused > 0)
    return Reply(554, {5, 5, 1}, "No valid recipients: every RCPT was refused");
  return Reply(503, {5, 5, 1}, "BDAT is out of order: no recipient was accepted yet");
}

}  // namespace

// bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF
void cmd_bdat(Core& core, std::string_view arguments) {
  const auto words = text::words(arguments);
  const auto size = words.empty() ? std::nullopt : text::parse_number(words[0]);
  const bool has_marker = words.size() == 2 && text::iequals(words[1], "LAST");
  if (!size || words.size() > 2 || (words.size() == 2 && !has_marker)) {
    core.say(Reply(501, {5, 5, 4},
                   "Write BDAT octets, or BDAT octets LAST; closing, since what follows has no known length"));
    return core.close(CloseReason::protocol);
  }
  core.chunk = Chunk{.left_octets = *size, .size_octets = *size, .is_last = has_marker, .refusal = refusal_of(core)};
  if (core.chunk.refusal) {
    core.push(Refused{"BDAT " + text::printable(arguments), *core.chunk.refusal});
    return core.begin_chunk();
  }
  if (core.message) return core.begin_chunk();
  core.message = std::make_unique<Message>(TextScanner::Framing::counted);
  core.message->chunking = true;
  core.push(MessageBegins{true});
}

}  // namespace posthorn::smtp::server
