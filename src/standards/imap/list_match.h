// LIST patterns (RFC 9051 6.3.9) and what LIST answers for a set of mailboxes (RFC 5258, 5819, 6154). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "standards/imap/command.h"

namespace posthorn::imap {

/// "*" any octets, "%" any but the separator. INBOX matches in any case. Linear in pattern times name.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);
/// Reference and pattern put together: the reference goes in front, except before a pattern that begins with "/".
[[nodiscard]] std::string join_pattern(std::string_view reference, std::string_view pattern);

/// A mailbox of the account, or a name that is only subscribed.
struct ListedMailbox {
  std::string name;  ///< UTF-8
  bool exists = true;
  bool subscribed = false;
  std::string special_use;  ///< without backslash; empty: none
  bool selectable = true;
};

/// One line of the answer.
struct ListEntry {
  std::string name;                          ///< UTF-8
  std::vector<std::string_view> attributes;  ///< with backslash, in a fixed order; special uses always (RFC 6154 2)
  std::string special_use;                   ///< to be written as "\Name" behind the attributes
  /// RFC 5258 3.5: CHILDINFO of RECURSIVEMATCH.
  std::vector<std::string_view> child_info;
  std::string old_name;       ///< RFC 5465 5.4: OLDNAME, of a mailbox that was renamed; UTF-8
  bool is_selectable = true;  ///< STATUS may be asked (RFC 5819 2)
};

/// What the command answers, sorted by name; `mailboxes` in any order. Parents that do not exist appear as
/// \NonExistent where RFC 5258 3 wants them.
[[nodiscard]] std::vector<ListEntry> list_mailboxes(const ListCommand& command,
                                                    std::span<const ListedMailbox> mailboxes);
/// LSUB of RFC 3501 6.3.9: "foo" as \Noselect where only "foo/bar" is subscribed and the pattern ends in "%".
[[nodiscard]] std::vector<ListEntry> list_subscribed(const LsubCommand& command,
                                                     std::span<const ListedMailbox> mailboxes);

}  // namespace posthorn::imap
