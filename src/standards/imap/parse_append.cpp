// APPEND and REPLACE up to their literals (RFC 9051 6.3.12, RFC 3502, 3516, 8508, 9755).
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
void mark(Scanner& in, AppendHead& head) {
  const auto rest = in.rest();
  const auto found = literal_mark(rest);
  if (!found || found->length != rest.size()) return in.fail("A literal is missing");
  head.message.size_octets = found->size_octets;
  head.message.is_binary = found->is_binary;
  head.is_synchronizing = found->is_synchronizing;
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

AppendHead parse_append_message(Scanner& in, const ParseContext& context) {
  AppendHead head;
  in.space();
  if (in.peek() == '(') {
    head.message.flags = in.flag_list();
    in.space();
  }
  if (in.peek() == '"') {
    internal_date(in, head.message);
    in.space();
  }
  // append-data =/ "UTF8" SP "(" literal8 ")" (RFC 9755 4); only after ENABLE UTF8=ACCEPT
  if (in.accept_word("UTF8")) {
    if (!context.utf8_accept) in.fail("UTF8=ACCEPT is not enabled");
    in.space();
    in.expect('(');
    head.message.is_utf8 = true;
  }
  mark(in, head);
  return head;
}

}  // namespace posthorn::imap
