#include "standards/address/grammar.h"

namespace posthorn::address {

bool is_dot_string(std::string_view text) {
  bool at_atom_start = true;
  for (const char c : text) {
    if (c == '.') {
      if (at_atom_start) return false;
      at_atom_start = true;
    } else if (is_atext(c)) {
      at_atom_start = false;
    } else {
      return false;
    }
  }
  return !at_atom_start;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

namespace {
bool is_quotable(char c) {
  return text::is_visible(c) || text::is_wsp(c) || text::is_non_ascii(c);
}
}  // namespace

// Quoted-string = DQUOTE *QcontentSMTP DQUOTE
// quoted-pairSMTP = %d92 %d32-126
std::optional<std::size_t> quoted_string_length(std::string_view text) {
  if (!text.starts_with('"')) return std::nullopt;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i >= text.size() || !is_quotable(text[i])) return std::nullopt;
  }
  return std::nullopt;
}

std::string unquote(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    out += quoted[i];
  }
  return out;
}

}  // namespace posthorn::address
