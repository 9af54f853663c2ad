// Quoted-printable (RFC 2045 6.7).
#pragma once

#include <string>
#include <string_view>

namespace posthorn::codec {

/// Encodes text whose line ends are CRLF; lines of the result have at most 76 characters, and bare CR or LF
/// are escaped. Trailing WSP of a line is escaped.
[[nodiscard]] std::string quoted_printable_encode(std::string_view text);
/// Lenient, as readers must be: a malformed escape stands for itself, WSP before a line end is dropped.
[[nodiscard]] std::string quoted_printable_decode(std::string_view text);

}  // namespace posthorn::codec
