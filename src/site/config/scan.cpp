#include "site/config/scan.h"

#include "foundation/text/ascii.h"

namespace posthorn::config {
namespace {

/// What stands at `at`, of the four ways to write a string; empty: none.
std::string_view opening(std::string_view toml, std::size_t at) {
  for (const std::string_view mark : {"\"\"\"", "'''", "\"", "'"}) {
    if (toml.substr(at).starts_with(mark)) return mark;
  }
  return {};
}

/// Where the string opened by `mark` ends; a line's end closes what may not span lines (toml++ refuses it there).
std::size_t end_of_string(std::string_view toml, std::size_t at, std::string_view mark) {
  const bool has_escapes = mark[0] == '"';
  for (; at < toml.size(); ++at) {
    if (mark.size() == 1 && toml[at] == '\n') return at;
    if (has_escapes && toml[at] == '\\') {
      ++at;
      continue;
    }
    if (toml.substr(at).starts_with(mark)) return at + mark.size();
  }
  return at;
}

}  // namespace

std::optional<std::uint32_t> stray_octet_line(std::string_view toml) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  std::size_t at = toml.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  while (at < toml.size()) {
    if (const std::string_view mark = opening(toml, at); !mark.empty()) {
      at = end_of_string(toml, at + mark.size(), mark);
    } else if (toml[at] == '#') {
      at = std::min(toml.find('\n', at), toml.size());
    } else if (text::is_non_ascii(toml[at])) {
      return static_cast<std::uint32_t>(1 + std::ranges::count(toml.substr(0, at), '\n'));
    } else {
      ++at;
    }
  }
  return std::nullopt;
}

}  // namespace posthorn::config
