// Address fields as ENVELOPE and SORT see them (RFC 9051 7.5.2): every address comes back, also those no standard
// permits, split at their last "@". Used inside this room; standards/address is the strict reader.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/message/header.h"

namespace posthorn::imap {

inline constexpr std::size_t listed_addresses_max = 10'000;  // as address::header_mailboxes_max

/// One address of an ENVELOPE. A group begins with a mailbox and no host, and ends with neither.
struct ListedAddress {
  std::optional<std::string> name;   ///< unquoted; encoded-words stay as they are
  std::optional<std::string> route;  ///< at-domain-list: "@a,@b" (RFC 5322 4.4)
  std::optional<std::string> mailbox;
  std::optional<std::string> host;
  friend bool operator==(const ListedAddress&, const ListedAddress&) = default;
};
/// An unfolded field body.
[[nodiscard]] std::vector<ListedAddress> read_addresses(std::string_view unfolded);
/// Of the first field with this name; empty where there is none.
[[nodiscard]] std::vector<ListedAddress> addresses_of(const message::Header& header, std::string_view field);

}  // namespace posthorn::imap
