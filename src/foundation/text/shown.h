// Text of others shown to people whose terminal reads UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::text {

/// As printable(), but characters that can be seen stay: "§", "…", "ü". Control characters, what turns the direction of
/// writing or has no width, and octets that are no UTF-8, become "\xHH". At most `octets_max` of the source, cut
/// between characters ("…" follows).
[[nodiscard]] std::string shown(std::string_view text, std::size_t octets_max = 200);

}  // namespace posthorn::text
