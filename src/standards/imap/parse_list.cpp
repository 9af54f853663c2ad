// LIST and LSUB (RFC 9051 6.3.9, RFC 5258, 5819, 6154; RFC 3501 6.3.9).
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t patterns_max = 100;  // our bound

// list-select-opt (RFC 5258 6, RFC 6154 5.1)
void selection_option(Scanner& in, ListCommand& command) {
  if (in.accept_word("SUBSCRIBED")) {
    command.select_subscribed = true;
    // RFC 5258 3.1: it asks for the attribute too.
    command.return_subscribed = true;
  } else if (in.accept_word("REMOTE")) {
    command.select_remote = true;
  } else if (in.accept_word("RECURSIVEMATCH")) {
    command.select_recursive_match = true;
  } else if (in.accept_word("SPECIAL-USE")) {
    command.select_special_use = true;
  } else {
    in.fail("Unknown selection option");
  }
}

// list-select-opts
void selection_options(Scanner& in, ListCommand& command) {
  in.expect('(');
  if (!in.accept(')')) {
    do selection_option(in, command);
    while (in.ok() && in.accept(' '));
    in.expect(')');
  }
  // RFC 5258 3.1: RECURSIVEMATCH needs a base option beside it, and REMOTE is none.
  if (in.ok() && command.select_recursive_match && !command.select_subscribed && !command.select_special_use) {
    in.fail("RECURSIVEMATCH needs another selection option");
  }
  in.space();
}

// return-option
void return_option(Scanner& in, ListCommand& command) {
  if (in.accept_word("SUBSCRIBED")) {
    command.return_subscribed = true;
  } else if (in.accept_word("CHILDREN")) {
    command.return_children = true;
  } else if (in.accept_word("SPECIAL-USE")) {
    command.return_special_use = true;
  } else if (in.accept_word("STATUS")) {
    in.space();
    command.return_status = parse_status_items(in);
  } else {
    in.fail("Unknown return option");
  }
}

// list-return-opts = SP "RETURN" SP "(" [return-option *(SP return-option)] ")"
void return_options(Scanner& in, ListCommand& command) {
  if (!in.accept_word("RETURN")) return in.fail("RETURN expected");
  in.space();
  in.expect('(');
  if (in.accept(')')) return;
  do return_option(in, command);
  while (in.ok() && in.accept(' '));
  in.expect(')');
}

// patterns = "(" list-mailbox *(SP list-mailbox) ")"
void patterns(Scanner& in, ListCommand& command) {
  in.expect('(');
  do {
    if (command.patterns.size() == patterns_max) {
      return in.fail({.is_bad = false, .code = code::limit(), .text = "Too many patterns"});
    }
    command.patterns.push_back(in.list_mailbox());
  } while (in.ok() && in.accept(' '));
  in.expect(')');
}

}  // namespace

ListCommand parse_list(Scanner& in) {
  ListCommand command;
  if (in.peek() == '(') {
    command.is_extended = true;
    selection_options(in, command);
  }
  command.reference = in.mailbox();
  in.space();
  if (in.peek() == '(') {
    command.is_extended = true;
    patterns(in, command);
  } else {
    command.patterns.push_back(in.list_mailbox());
  }
  if (in.accept(' ')) {
    command.is_extended = true;
    return_options(in, command);
  }
  in.end();
  return command;
}

LsubCommand parse_lsub(Scanner& in) {
  LsubCommand command;
  command.reference = in.mailbox();
  in.space();
  command.pattern = in.list_mailbox();
  in.end();
  return command;
}

}  // namespace posthorn::imap
