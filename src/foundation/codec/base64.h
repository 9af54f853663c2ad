// Base64 (RFC 4648 4), strict for protocols and lenient for message bodies.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::codec {

/// One line, padded.
[[nodiscard]] std::string base64_encode(std::string_view octets);
/// Lines of `line_length` characters (a multiple of 4) each ended by CRLF; RFC 2045 6.8 permits 76.
[[nodiscard]] std::string base64_encode_lines(std::string_view octets, std::size_t line_length = 76);
/// Strict: the alphabet, full padding, zero trailing bits, nothing else. nullopt otherwise.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
/// Lenient (RFC 2045 6.8): octets outside the alphabet are skipped, padding may be missing, stops at padding.
[[nodiscard]] std::string base64_decode_lenient(std::string_view text);

}  // namespace posthorn::codec
