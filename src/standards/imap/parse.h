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
/// fetch-att *(SP fetch-att), up to what ends them.
[[nodiscard]] FetchItems parse_fetch_items(Scanner& in);
/// section-spec, whole: "1.2.HEADER", as URLs bear it. nullopt: none.
[[nodiscard]] std::optional<SectionSpec> parse_section(std::string_view text);
[[nodiscard]] StoreCommand parse_store(Scanner& in, bool is_uid);
[[nodiscard]] CopyCommand parse_copy(Scanner& in, bool is_uid, bool is_move);
/// `names_max`: mailboxes named in one command; more are NO [NOTIFICATIONOVERFLOW] (RFC 5465 3.1).
[[nodiscard]] NotifyCommand parse_notify(Scanner& in, std::size_t names_max);

/// The part of APPEND or REPLACE that names the target: read once, in front of the first message.
[[nodiscard]] AppendTarget parse_append_target(Scanner& in, bool is_replace, bool is_uid);
/// append-message up to its literal: [SP flag-list] [SP date-time] SP literal-mark. The scanner stands behind the mark,
/// or behind the parenthesis that opens the parts of a CATENATE. Begins at the space.
[[nodiscard]] AppendMessage parse_append_message(Scanner& in, const ParseContext& context);
/// cat-part (RFC 4469 5, RFC 9755 4): a text up to its literal-mark, or a whole URL.
struct CatPart {
  enum class Kind : unsigned char {
    text,        ///< the mark ends what has been read
    url,         ///< `url` has it
    unread_url,  ///< the mark belongs to the URL: it goes on behind its literal
  };
  Kind kind = Kind::url;
  std::string url;
  std::uint64_t size_octets = 0;  ///< of a text
  bool is_utf8 = false;           ///< UTF8 (~{n}…): a parenthesis follows
};
[[nodiscard]] CatPart parse_cat_part(Scanner& in, const ParseContext& context);

}  // namespace posthorn::imap
