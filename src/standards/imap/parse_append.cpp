// APPEND and REPLACE up to their literals (RFC 9051 6.3.12, RFC 3502, 3516, 4469, 8508, 9755).
#include "foundation/text/ascii.h"
#include "standards/imap/date.h"
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

// date-time
void internal_date(Scanner& in, AppendMessage& message) {
  const auto text = in.string();
  if (!in.ok()) return;
  message.internal_date = parse_date_time(text);
  if (!message.internal_date) in.fail("Not a date-time");
}

// The mark ends what has been read so far of the command.
LiteralMark mark(Scanner& in) {
  const auto found = literal_mark(in.rest());
  if (found && found->length == in.rest().size()) return *found;
  in.fail("A literal is missing");
  return {};
}

// utf8-literal = "UTF8" SP "(" literal8 ")" (RFC 9755 4) up to its mark; only after ENABLE UTF8=ACCEPT
bool utf8_begins(Scanner& in, const ParseContext& context) {
  if (!in.accept_word("UTF8")) return false;
  if (!context.utf8_accept) in.fail("UTF8=ACCEPT is not enabled");
  in.space();
  in.expect('(');
  return true;
}

}  // namespace

AppendTarget parse_append_target(Scanner& in, bool is_replace, bool is_uid) {
  AppendTarget target;
  target.is_replace = is_replace;
  target.is_uid = is_uid;
  if (is_replace) {
    // RFC 8508 3: seq-number; "*" is the last message.
    target.replaced = in.accept('*') ? SequenceSet::asterisk : in.nz_number();
    in.space();
  }
  target.mailbox = in.mailbox();
  return target;
}

AppendMessage parse_append_message(Scanner& in, const ParseContext& context) {
  AppendMessage message;
  if (in.ok() && in.at_end()) in.fail("A message literal is missing");
  in.space();
  if (in.peek() == '(') {
    message.flags = in.flag_list();
    in.space();
  }
  if (in.peek() == '"') {
    internal_date(in, message);
    in.space();
  }
  // append-data =/ "CATENATE" SP "(" cat-part *(SP cat-part) ")" (RFC 4469 5)
  if (in.accept_word("CATENATE")) {
    in.space();
    in.expect('(');
    message.is_catenated = true;
    return message;
  }
  // append-data =/ utf8-literal
  message.is_utf8 = utf8_begins(in, context);
  const auto found = mark(in);
  message.size_octets = found.size_octets;
  message.is_binary = found.is_binary;
  return message;
}

// cat-part = text-literal / url / utf8-literal
CatPart parse_cat_part(Scanner& in, const ParseContext& context) {
  CatPart part;
  if (in.accept_word("URL")) {
    // url = "URL" SP astring
    in.space();
    const auto found = literal_mark(in.rest());
    part.kind = found && found->length == in.rest().size() ? CatPart::Kind::unread_url : CatPart::Kind::url;
    if (part.kind == CatPart::Kind::url) part.url = in.astring();
    return part;
  }
  part.kind = CatPart::Kind::text;
  part.is_utf8 = utf8_begins(in, context);
  if (!part.is_utf8) {
    // text-literal = "TEXT" SP literal
    if (!in.accept_word("TEXT")) in.fail("A part begins with TEXT or URL");
    in.space();
  }
  const auto found = mark(in);
  if (in.ok() && found.is_binary != part.is_utf8) in.fail("A literal8 belongs into UTF8, and nothing else does");
  part.size_octets = found.size_octets;
  return part;
}

}  // namespace posthorn::imap
