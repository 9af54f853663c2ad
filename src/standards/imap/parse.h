// Arguments of the commands, one file a family (parse_*.cpp); used inside this room. Each begins behind the command's
// name and its space, reads to the end of the command, and leaves a fault in the scanner where it cannot.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "standards/imap/command.h"
#include "standards/imap/scanner.h"

namespace posthorn::imap {

/// What the session has enabled that changes the grammar.
struct ParseContext {
  bool utf8_accept = false;
  bool qresync = false;
};

[[nodiscard]] SelectCommand parse_select(Scanner& in, bool read_only, const ParseContext& context);
[[nodiscard]] CreateCommand parse_create(Scanner& in);
[[nodiscard]] RenameCommand parse_rename(Scanner& in);
/// DELETE, SUBSCRIBE, UNSUBSCRIBE, GETQUOTAROOT: one mailbox.
[[nodiscard]] std::string parse_one_mailbox(Scanner& in);
[[nodiscard]] StatusCommand parse_status(Scanner& in);
/// status-att-list, parentheses included.
[[nodiscard]] StatusItems parse_status_items(Scanner& in);
[[nodiscard]] ListCommand parse_list(Scanner& in);
[[nodiscard]] LsubCommand parse_lsub(Scanner& in);
[[nodiscard]] SearchCommand parse_search(Scanner& in, bool is_uid, const ParseContext& context);
[[nodiscard]] SortCommand parse_sort(Scanner& in, bool is_uid, const ParseContext& context);
[[nodiscard]] ThreadCommand parse_thread(Scanner& in, bool is_uid, const ParseContext& context);
[[nodiscard]] FetchCommand parse_fetch(Scanner& in, bool is_uid, const ParseContext& context);
[[nodiscard]] StoreCommand parse_store(Scanner& in, bool is_uid);
[[nodiscard]] CopyCommand parse_copy(Scanner& in, bool is_uid, bool is_move);

/// The part of APPEND or REPLACE that names the target: read once, in front of the first message.
[[nodiscard]] AppendTarget parse_append_target(Scanner& in, bool is_replace, bool is_uid);
/// append-message up to its literal: [SP flag-list] [SP date-time] SP literal-mark. The scanner stands behind the mark.
/// Begins at the space.
struct AppendHead {
  AppendMessage message;
  bool is_synchronizing = true;
};
[[nodiscard]] AppendHead parse_append_message(Scanner& in, const ParseContext& context);

}  // namespace posthorn::imap
