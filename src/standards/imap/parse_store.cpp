// STORE, COPY and MOVE (RFC 9051 6.4.6 to 6.4.8, RFC 7162).
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

// store-modifier = "UNCHANGEDSINCE" SP mod-sequence-valzer (RFC 7162 7)
void modifiers(Scanner& in, StoreCommand& command) {
  in.expect('(');
  if (!in.accept_word("UNCHANGEDSINCE")) return in.fail("Unknown modifier of STORE");
  in.space();
  command.unchanged_since = in.number64();
  in.expect(')');
  in.space();
}

}  // namespace

StoreCommand parse_store(Scanner& in, bool is_uid) {
  StoreCommand command;
  command.is_uid = is_uid;
  command.set = in.sequence_set();
  in.space();
  if (in.peek() == '(') modifiers(in, command);
  // store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
  if (in.accept('+')) {
    command.mode = StoreCommand::Mode::add;
  } else if (in.accept('-')) {
    command.mode = StoreCommand::Mode::remove;
  }
  command.silent = in.accept_word("FLAGS.SILENT");
  if (!command.silent && !in.accept_word("FLAGS")) in.fail("FLAGS expected");
  in.space();
  command.flags = in.peek() == '(' ? in.flag_list() : in.bare_flags();
  in.end();
  return command;
}

CopyCommand parse_copy(Scanner& in, bool is_uid, bool is_move) {
  CopyCommand command;
  command.is_uid = is_uid;
  command.is_move = is_move;
  command.set = in.sequence_set();
  in.space();
  command.mailbox = in.mailbox();
  in.end();
  return command;
}

}  // namespace posthorn::imap
