#include "site/journal/json_text.h"

#include "foundation/text/ascii.h"

namespace posthorn::journal {
namespace {

void append_escaped(std::string& to, unsigned char octet) {
  switch (octet) {
    case '"':
      to += "\\\"";
      return;
    case '\\':
      to += "\\\\";
      return;
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  to += "\\u00";
  to += digits[octet >> 4];
  to += digits[octet & 15];
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  const bool keep_high = text::is_ascii(text) || text::is_utf8(text);
  to += '"';
  std::size_t plain = 0;  // where the run of octets that stand for themselves began
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const bool replaced = octet > 0x7f && !keep_high;
    if (octet >= 0x20 && octet != '"' && octet != '\\' && octet != 0x7f && !replaced) continue;
    to.append(text, plain, i - plain);
    plain = i + 1;
    if (replaced) {
      to += "\xef\xbf\xbd";
    } else {
      append_escaped(to, octet);
    }
  }
  to.append(text, plain, text.size() - plain);
  to += '"';
}

}  // namespace posthorn::journal
