#include "foundation/codec/json_string.h"

#include "foundation/text/ascii.h"

namespace posthorn::codec {
namespace {

/// Visible, and no mark of JSON's own.
bool is_plain(char c) {
  return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/// The octets in front that stand for themselves.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const char c = text[length];
    const std::size_t next = is_plain(c) ? 1 : text::is_non_ascii(c) ? text::utf8_length(text.substr(length)) : 0;
    if (next == 0) break;
    length += next;
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
