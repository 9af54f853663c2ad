// AddressKey: the one form in which our own addresses are compared and stored: the local part in Unicode NFC with
// ASCII letters in lower case (RFC 5321 2.4 leaves it to the host of the mailbox; RFC 6531 3.1 asks for NFC), an "@",
// the domain in A-labels. Only for addresses that are ours: what is relayed keeps its octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "standards/address/mailbox.h"

namespace posthorn::directory {

/// "ann@alpha.example"; of <""@…> "@alpha.example" never: an empty local part gives a key nothing is stored under.
[[nodiscard]] std::string address_key(const address::LocalPart& local_part, const address::Domain& domain);
/// The local part's half alone.
[[nodiscard]] std::string local_part_key(std::string_view local_part);
/// Unicode Normalization Form C; octets that are no UTF-8 stay as they are.
[[nodiscard]] std::string nfc(std::string_view text);

/// "ann+lists" is ann with detail "lists" (RFC 5233); nullopt where there is no "+", or nothing before it.
struct Detail {
  std::string base;
  std::string detail;
};
[[nodiscard]] std::optional<Detail> split_detail(std::string_view local_part);

/// Roles that reach the postmaster while nobody has their address (RFC 2142 4–5): abuse, noc, security, hostmaster…
[[nodiscard]] bool is_postmaster(std::string_view local_part_key);
[[nodiscard]] bool is_role(std::string_view local_part_key);

}  // namespace posthorn::directory
