#include "standards/dsn/recipient_address.h"

#include <charconv>

#include "foundation/codec/xtext.h"
#include "foundation/text/ascii.h"

namespace posthorn::dsn {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  const auto tail = [&out, c](unsigned shift) { out.push_back(static_cast<char>(0x80 | (c >> shift & 0x3f))); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" (RFC 6533 3); what is none stays as it is.
std::string decode_embedded_unicode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto close = text.starts_with("\\x{") ? text.find('}') : std::string_view::npos;
    std::uint32_t point = 0;
    bool good = close != std::string_view::npos && close > 3 && close <= 9;
    if (good) {
      const auto [end, error] = std::from_chars(text.data() + 3, text.data() + close, point, 16);
      const bool surrogate = point >= 0xd800 && point < 0xe000;
      good = error == std::errc{} && end == text.data() + close && point <= 0x10ffff && point >= 0x20 && !surrogate;
    }
    if (good) {
      append_utf8(out, point);
      text.remove_prefix(close + 1);
    } else {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

TypedAddress parse_orcpt(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return {"", std::string{text}};
  TypedAddress typed{text::lower(text::trim(text.substr(0, semicolon))), {}};
  const std::string_view value = text.substr(semicolon + 1);
  const auto decoded = codec::xtext_decode(value);
  typed.address = decoded ? *decoded : std::string{value};
  if (typed.type == "utf-8") typed.address = decode_embedded_unicode(typed.address);
  return typed;
}

TypedAddress parse_recipient_field(std::string_view value) {
  TypedAddress typed;
  const auto semicolon = value.find(';');
  if (semicolon != std::string_view::npos) {
    typed.type = text::lower(text::trim_lines(value.substr(0, semicolon)));
    value.remove_prefix(semicolon + 1);
  }
  value = text::trim_lines(value);
  // "<user@example.com>", "Name <user@example.com>", "<user@example.com> (comment)".
  const auto open = value.find('<'), close = value.rfind('>');
  if (open != std::string_view::npos && close != std::string_view::npos && open < close)
    value = value.substr(open + 1, close - open - 1);
  typed.address = typed.type == "utf-8" ? decode_embedded_unicode(value) : std::string{value};
  return typed;
}

}  // namespace posthorn::dsn
