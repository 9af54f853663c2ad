// Content-transfer decodings (RFC 2045 6) of bodies as they come, and charsets to UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/base/bytes.h"

namespace posthorn::message {

enum class TransferEncoding : unsigned char {
  seven_bit,
  eight_bit,
  binary,
  quoted_printable,
  base64,
  unknown,  ///< RFC 2045 6.4: treat the part as application/octet-stream, undecoded
};
[[nodiscard]] TransferEncoding parse_transfer_encoding(Octets field_value);
[[nodiscard]] std::string_view text(TransferEncoding encoding);

/// Quoted-printable (6.7): soft line breaks, trailing white space removed; what is no "=XX" stays as it is.
[[nodiscard]] std::string decode_quoted_printable(Octets body);
/// Base64 (6.8): octets outside the alphabet are skipped, padding may be missing.
[[nodiscard]] std::string decode_base64_body(Octets body);
/// By the encoding; identity ones give the octets as they are.
[[nodiscard]] std::string decode_body(Octets body, TransferEncoding encoding);
/// The length decode_body would return, without keeping it (BINARY.SIZE).
[[nodiscard]] std::uint64_t decoded_length(Octets body, TransferEncoding encoding);

/// Lines of at most 76 octets.
[[nodiscard]] std::string encode_quoted_printable(Octets text);
[[nodiscard]] std::string encode_base64_body(Octets octets);

/// To UTF-8. Unknown charsets are read as UTF-8 where valid, else as Windows-1252; octets that cannot be converted
/// become U+FFFD. The result is always valid UTF-8.
[[nodiscard]] std::string to_utf8(Octets octets, std::string_view charset);
[[nodiscard]] bool is_utf8(Octets octets);
[[nodiscard]] bool has_8bit(Octets octets);

}  // namespace posthorn::message
