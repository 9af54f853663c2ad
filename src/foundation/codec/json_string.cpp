#include "foundation/codec/json_string.h"

#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::codec {
namespace {

/// Whether an octet stands for itself: visible or SP, and no mark of JSON's own. A table, since every octet of every
/// story is asked about.
constexpr std::array<bool, 256> is_plain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t octet = ' '; octet < 0x7f; ++octet) plain[octet] = octet != '"' && octet != '\\';
  return plain;
}();

/// The octets in front that stand for themselves.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const char c = text[length];
    if (is_plain[static_cast<unsigned char>(c)]) {
      ++length;
      continue;
    }
    const std::size_t character = text::is_non_ascii(c) ? text::utf8_length(text.substr(length)) : 0;
    if (character == 0) break;
    length += character;
  }
  return length;
}

void append_escaped(std::string& to, char c) {
  if (c == '"' || c == '\\') {
    to += {'\\', c};
    return;
  }
  if (c == '\n' || c == '\r' || c == '\t') {
    to += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    return;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  to += "\\u00";
  to += {digits[octet >> 4], digits[octet & 15]};
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    const std::size_t plain = plain_length(text);
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    append_escaped(to, text.front());
    text.remove_prefix(1);
  }
  to += '"';
}

}  // namespace posthorn::codec
