#include "standards/imap/mailbox_name.h"

#include <algorithm>
#include <cstdint>

#include "foundation/text/ascii.h"

namespace posthorn::imap {
namespace {

// RFC 3501 5.1.3: base64 with "," in place of "/", without padding.
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

bool is_direct(std::uint32_t c) {
  return c >= 0x20 && c <= 0x7e;
}

void append_utf8(std::string& output, std::uint32_t c) {
  const auto put = [&](std::uint32_t octet) { output += static_cast<char>(octet); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6U);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12U);
    } else {
      put(0xF0 | c >> 18U);
      put(0x80 | (c >> 12U & 0x3F));
    }
    put(0x80 | (c >> 6U & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

// Precondition: well-formed UTF-8.
std::uint32_t take_character(std::string_view& utf8) {
  const auto lead = static_cast<unsigned char>(utf8.front());
  const std::size_t wanted = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::size_t length = std::min(wanted, utf8.size());
  std::uint32_t c = length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) c = c << 6U | (static_cast<unsigned char>(utf8[i]) & 0x3FU);
  utf8.remove_prefix(length);
  return c;
}

// The inside of one shift sequence.
std::optional<std::u16string> decode_shift(std::string_view base64) {
  std::u16string units;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : base64) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    units += static_cast<char16_t>(bits >> count & 0xFFFFU);
    bits &= (1U << count) - 1;
  }
  if (count >= 6 || bits != 0) return std::nullopt;  // superfluous or non-zero bits at the end
  return units;
}

bool is_high_surrogate(char16_t u) {
  return u >= 0xD800 && u < 0xDC00;
}
bool is_low_surrogate(char16_t u) {
  return u >= 0xDC00 && u < 0xE000;
}

bool append_units(std::string& output, const std::u16string& units) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::uint32_t c = units[i];
    if (is_low_surrogate(units[i])) return false;
    if (is_high_surrogate(units[i])) {
      if (i + 1 == units.size() || !is_low_surrogate(units[i + 1])) return false;
      c = 0x10000 + ((c - 0xD800) << 10U) + (units[++i] - 0xDC00U);
    }
    if (is_direct(c)) return false;  // "MUST NOT be used to represent any printing US-ASCII character"
    append_utf8(output, c);
  }
  return true;
}

void encode_shift(std::string& output, const std::u16string& units) {
  output += '&';
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char16_t unit : units) {
    bits = bits << 16U | unit;
    count += 16;
    while (count >= 6) {
      count -= 6;
      output += alphabet[bits >> count & 0x3FU];
    }
    bits &= (1U << count) - 1;
  }
  if (count > 0) output += alphabet[bits << (6 - count) & 0x3FU];
  output += '-';
}

void add_units(std::u16string& units, std::uint32_t c) {
  if (c < 0x10000) {
    units += static_cast<char16_t>(c);
    return;
  }
  units += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10U));
  units += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FFU));
}

bool is_forbidden(std::uint32_t c) {
  // RFC 9051 5.1: no controls; RFC 5198 2: no line and paragraph separators. "%" and "*" could not be listed.
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == '%' || c == '*';
}

}  // namespace

std::optional<std::string> decode_modified_utf7(std::string_view name) {
  std::string output;
  while (!name.empty()) {
    const char c = name.front();
    if (!is_direct(static_cast<unsigned char>(c))) return std::nullopt;
    name.remove_prefix(1);
    if (c != '&') {
      output += c;
      continue;
    }
    const auto end = name.find('-');
    if (end == std::string_view::npos) return std::nullopt;
    const auto shift = name.substr(0, end);
    name.remove_prefix(end + 1);
    if (shift.empty()) {
      output += '&';
      continue;
    }
    const auto units = decode_shift(shift);
    if (!units || !append_units(output, *units)) return std::nullopt;
    // Two shifts in a row have a second form, which would make two names of one mailbox.
    if (name.starts_with('&') && !name.starts_with("&-")) return std::nullopt;
  }
  return output;
}

std::string encode_modified_utf7(std::string_view utf8) {
  std::string output;
  std::u16string units;
  const auto flush = [&] {
    if (!units.empty()) encode_shift(output, units);
    units.clear();
  };
  while (!utf8.empty()) {
    const auto c = take_character(utf8);
    if (!is_direct(c)) {
      add_units(units, c);
      continue;
    }
    flush();
    output += static_cast<char>(c);
    if (c == '&') output += '-';
  }
  flush();
  return output;
}

std::optional<std::string> read_mailbox_name(std::string_view wire, bool is_utf8) {
  std::optional<std::string> name;
  if (!is_utf8) {
    name = decode_modified_utf7(wire);
  } else if (text::is_utf8(wire)) {
    name = std::string(wire);
  }
  if (!name || name->size() > mailbox_name_octets_max) return std::nullopt;
  // RFC 9051 5.1: INBOX is case-insensitive, as a name and as the first level.
  if (text::istarts_with(*name, "INBOX") && (name->size() == 5 || (*name)[5] == hierarchy_separator)) {
    name->replace(0, 5, "INBOX");
  }
  return name;
}

bool is_creatable(std::string_view name) {
  if (name.empty() || name.size() > mailbox_name_octets_max || !text::is_utf8(name)) return false;
  const auto levels = text::split(name, hierarchy_separator);
  if (levels.size() > mailbox_levels_max) return false;
  if (std::ranges::any_of(levels, [](std::string_view level) { return level.empty(); })) return false;
  while (!name.empty()) {
    if (is_forbidden(take_character(name))) return false;
  }
  return true;
}

std::string wire_mailbox_name(std::string_view name, bool is_utf8) {
  return is_utf8 || (text::is_ascii(name) && name.find('&') == std::string_view::npos) ? std::string(name)
                                                                                       : encode_modified_utf7(name);
}

}  // namespace posthorn::imap
