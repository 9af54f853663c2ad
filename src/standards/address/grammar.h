// Character classes and small scanners shared by the address parsers of this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/text/ascii.h"

namespace posthorn::address {

/// RFC 5322 3.2.3 atext, with UTF8-non-ascii of RFC 6531 3.3 and RFC 6532 3.2.
[[nodiscard]] constexpr bool is_atext(char c) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
  return text::is_alnum(c) || text::is_non_ascii(c) || specials.find(c) != std::string_view::npos;
}

/// Dot-string = Atom *("." Atom); dot-atom-text.
[[nodiscard]] bool is_dot_string(std::string_view text);

/// `text` quoted, with backslashes before '"' and '\'.
[[nodiscard]] std::string quote(std::string_view text);

/// Length of the Quoted-string at the front, quotes included; nullopt when none is whole there.
/// qtextSMTP / quoted-pairSMTP: visible ASCII, SP, HTAB, octets above 127.
[[nodiscard]] std::optional<std::size_t> quoted_string_length(std::string_view text);
/// The content of a whole Quoted-string, quotes and backslashes taken off.
[[nodiscard]] std::string unquote(std::string_view quoted);

}  // namespace posthorn::address
