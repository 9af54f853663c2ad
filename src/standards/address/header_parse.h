// Address lists of header fields: From, Sender, Reply-To, To, Cc, Bcc (RFC 5322 3.4, obsolete forms 4.4, groups,
// nested comments, RFC 6854, UTF-8 of RFC 6532). Bounded in depth and number; never recursive.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "standards/address/mailbox.h"

namespace posthorn::address {

inline constexpr std::size_t header_mailboxes_max = 10'000;
inline constexpr std::size_t comment_depth_max = 64;

struct HeaderMailbox {
  /// The phrase before "<", unquoted, inner white space folded to one SP; else the last comment. Encoded words
  /// are left as they are (message decodes them). Empty when there is none.
  std::string display_name;
  Mailbox mailbox;
  /// Index into AddressList::groups.
  std::optional<std::size_t> group;
};

struct AddressList {
  std::vector<HeaderMailbox> mailboxes;  ///< in order, members of groups among them
  std::vector<std::string> groups;       ///< display names; a group may have no members
};

/// The unfolded or folded body of the field (without its name). Empty list elements are skipped (obs-addr-list);
/// an empty field is `syntax`.
[[nodiscard]] Result<AddressList, AddressError> parse_address_list(std::string_view field_body,
                                                                   std::size_t mailboxes_max = header_mailboxes_max);

}  // namespace posthorn::address
