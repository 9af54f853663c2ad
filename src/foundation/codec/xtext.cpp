#include "foundation/codec/xtext.h"

#include "foundation/codec/hex.h"

namespace posthorn::codec {

// xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
namespace {
bool is_xchar(char c) {
  return c >= '!' && c <= '~' && c != '+' && c != '=';
}
}  // namespace

std::string xtext_encode(std::string_view octets) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : octets) {
    if (is_xchar(c)) {
      out += c;
      continue;
    }
    out += '+';
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 0xf];
  }
  return out;
}

// hexchar = "+" two hexadecimal digits; lower-case ones are taken too, since some senders write them.
std::optional<std::string> xtext_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    const auto octet = text[i] == '+' && i + 2 <= text.size() - 1 ? hex_decode(text.substr(i + 1, 2)) : std::nullopt;
    if (!octet) return std::nullopt;
    out += *octet;
    i += 2;
  }
  return out;
}

}  // namespace posthorn::codec
