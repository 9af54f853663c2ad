// Hexadecimal text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::codec {

/// Lower case, two digits an octet.
[[nodiscard]] std::string hex_encode(std::string_view octets);
/// Either case, an even number of digits, nothing else.
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

}  // namespace posthorn::codec
