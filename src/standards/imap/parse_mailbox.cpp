// SELECT, EXAMINE, CREATE, RENAME, STATUS and the commands of one mailbox name (RFC 9051 6.3).
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

// seq-match-data = "(" known-sequence-set SP known-uid-set ")" (RFC 7162 7)
void seq_match_data(Scanner& in, SelectCommand::Qresync& qresync) {
  in.expect('(');
  auto numbers = in.number_set();
  in.space();
  auto uids = in.number_set();
  in.expect(')');
  // RFC 7162 3.2.5.2: both hold the same number of elements.
  if (in.ok() && numbers.size() != uids.size()) in.fail("The two sets of QRESYNC differ in size");
  qresync.match = {std::move(numbers), std::move(uids)};
}

// "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" (RFC 7162 7)
void qresync_parameter(Scanner& in, SelectCommand& command) {
  SelectCommand::Qresync qresync;
  in.space();
  in.expect('(');
  qresync.uid_validity = in.nz_number();
  in.space();
  qresync.mod_seq = in.number64();
  if (in.accept(' ') && in.peek() != '(') {
    qresync.known_uids = in.number_set();
    if (in.accept(' ')) seq_match_data(in, qresync);
  } else if (in.peek() == '(') {
    seq_match_data(in, qresync);
  }
  in.expect(')');
  command.qresync = std::move(qresync);
}

// select-param (RFC 4466, RFC 7162)
void select_parameter(Scanner& in, SelectCommand& command, const ParseContext& context) {
  if (in.accept_word("CONDSTORE")) {
    command.condstore = true;
    return;
  }
  if (!in.accept_word("QRESYNC")) return in.fail("Unknown parameter");
  // RFC 7162 3.2.5: BAD without ENABLE QRESYNC before.
  if (!context.qresync) return in.fail("QRESYNC is not enabled");
  qresync_parameter(in, command);
}

struct StatusName {
  std::string_view name;
  bool StatusItems::* item;
};
// status-att and its extensions
constexpr std::array<StatusName, 11> status_names{{
    {"MESSAGES", &StatusItems::messages},
    {"RECENT", &StatusItems::recent},  // RFC 3501 only
    {"UIDNEXT", &StatusItems::uid_next},
    {"UIDVALIDITY", &StatusItems::uid_validity},
    {"UNSEEN", &StatusItems::unseen},
    {"DELETED", &StatusItems::deleted},
    {"SIZE", &StatusItems::size},                        // RFC 8438
    {"HIGHESTMODSEQ", &StatusItems::highest_mod_seq},    // RFC 7162 3.1.7
    {"MAILBOXID", &StatusItems::mailbox_id},             // RFC 8474 4.2
    {"APPENDLIMIT", &StatusItems::append_limit},         // RFC 7889 3.2
    {"DELETED-STORAGE", &StatusItems::deleted_storage},  // RFC 9208 4.1.4
}};

void status_item(Scanner& in, StatusItems& items) {
  const auto name = in.name();
  for (const auto& row : status_names) {
    if (!text::iequals(row.name, name)) continue;
    items.*row.item = true;
    return;
  }
  in.fail("Unknown STATUS item");
}

// USE "(" [use-attr *(SP use-attr)] ")" (RFC 6154 6)
void use_parameter(Scanner& in, CreateCommand& command) {
  if (!in.accept_word("USE")) return in.fail("Unknown parameter of CREATE");
  in.space();
  in.expect('(');
  if (in.accept(')')) return;
  do {
    in.expect('\\');
    command.special_uses.emplace_back(in.atom());
  } while (in.ok() && in.accept(' '));
  in.expect(')');
}

}  // namespace

SelectCommand parse_select(Scanner& in, bool read_only, const ParseContext& context) {
  SelectCommand command;
  command.read_only = read_only;
  command.mailbox = in.mailbox();
  if (in.accept(' ')) {
    in.expect('(');
    do select_parameter(in, command, context);
    while (in.ok() && in.accept(' '));
    in.expect(')');
  }
  in.end();
  return command;
}

CreateCommand parse_create(Scanner& in) {
  CreateCommand command;
  command.mailbox = in.mailbox();
  // RFC 9051 6.3.4: a separator at the end declares that names below it will follow; it is not part of the name.
  if (command.mailbox.ends_with(hierarchy_separator)) command.mailbox.pop_back();
  if (in.accept(' ')) {
    in.expect('(');
    use_parameter(in, command);
    in.expect(')');
  }
  in.end();
  return command;
}

RenameCommand parse_rename(Scanner& in) {
  RenameCommand command;
  command.from = in.mailbox();
  in.space();
  command.to = in.mailbox();
  if (command.to.ends_with(hierarchy_separator)) command.to.pop_back();
  in.end();
  return command;
}

std::string parse_one_mailbox(Scanner& in) {
  auto mailbox = in.mailbox();
  in.end();
  return mailbox;
}

StatusItems parse_status_items(Scanner& in) {
  StatusItems items;
  in.expect('(');
  do status_item(in, items);
  while (in.ok() && in.accept(' '));
  in.expect(')');
  return items;
}

StatusCommand parse_status(Scanner& in) {
  StatusCommand command;
  command.mailbox = in.mailbox();
  in.space();
  command.items = parse_status_items(in);
  in.end();
  return command;
}

}  // namespace posthorn::imap
