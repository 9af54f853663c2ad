// xtext (RFC 3461 4): visible ASCII except "+" and "=", everything else as "+HH" with upper-case digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::codec {

[[nodiscard]] std::string xtext_encode(std::string_view octets);
/// nullopt when the text is not xtext.
[[nodiscard]] std::optional<std::string> xtext_decode(std::string_view text);

}  // namespace posthorn::codec
