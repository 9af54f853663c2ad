#include "standards/imap/quoting.h"

#include <algorithm>

#include "foundation/text/ascii.h"

namespace posthorn::imap {

bool is_atom_char(char c) {
  // atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
  return text::is_visible(c) && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

bool is_quotable(std::string_view octets, bool utf8) {
  if (octets.size() > quoted_octets_max) return false;
  bool has_8bit = false;
  for (const char c : octets) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
    has_8bit = has_8bit || text::is_non_ascii(c);
  }
  return !has_8bit || (utf8 && text::is_utf8(octets));
}

void append_quoted(std::string& output, std::string_view octets) {
  output += '"';
  for (const char c : octets) {
    if (c == '"' || c == '\\') output += '\\';
    output += c;
  }
  output += '"';
}

void append_literal(std::string& output, std::string_view octets) {
  if (octets.find('\0') != std::string_view::npos) output += '~';
  output += '{';
  output += std::to_string(octets.size());
  output += "}\r\n";
  output += octets;
}

void append_string(std::string& output, std::string_view octets, bool utf8) {
  if (is_quotable(octets, utf8)) {
    append_quoted(output, octets);
  } else {
    append_literal(output, octets);
  }
}

void append_astring(std::string& output, std::string_view octets, bool utf8) {
  // NIL as an atom would be read as nothing by some clients.
  const bool is_atom = !octets.empty() && !text::iequals(octets, "NIL") &&
                       std::ranges::all_of(octets, [](char c) { return is_atom_char(c) || c == ']'; });
  if (is_atom && octets.size() <= quoted_octets_max) {
    output += octets;
  } else {
    append_string(output, octets, utf8);
  }
}

}  // namespace posthorn::imap
