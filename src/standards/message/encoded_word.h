// Encoded-words (RFC 2047, RFC 2231 5): non-ASCII text in header fields.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/bytes.h"

namespace posthorn::message {

inline constexpr std::size_t encoded_word_octets_max = 75;  // RFC 2047 2

/// Unfolded text with its encoded-words decoded to UTF-8. White space between two of them vanishes (6.2); octets of
/// one multi-octet character split over neighbours of the same charset are joined (the world does it); raw 8-bit
/// that is no UTF-8 is read as Windows-1252. Never fails: what is no encoded-word stays as it is.
[[nodiscard]] std::string decode_encoded_words(Octets unfolded);

/// Where a text stands decides what may remain bare (RFC 2047 5).
enum class EncodedWordContext : unsigned char {
  unstructured,  ///< Subject and its like
  phrase,        ///< a display name: what is not an atom gets quoted or encoded
};
/// ASCII for a header field; may hold spaces where it can be folded. UTF-8 in; B or Q, whichever is shorter.
[[nodiscard]] std::string encode_words(std::string_view utf8_text, EncodedWordContext context);

}  // namespace posthorn::message
