// The ASCII form of a TOML text: toml++ 3.3 runs into undefined behaviour where characters beyond ASCII stand outside
// strings, so it is never shown any. Each octet above 127 becomes "~HH" and "~" becomes "~~"; what is read out of
// strings is turned back. Outside strings and comments "~" is no TOML at all, so nothing gains a meaning.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::config {

/// Lines stay lines.
[[nodiscard]] std::string ascii_form(std::string_view utf8);
[[nodiscard]] std::string from_ascii_form(std::string_view text);

}  // namespace posthorn::config
