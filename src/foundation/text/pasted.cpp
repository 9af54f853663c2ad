#include "foundation/text/pasted.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::text {
namespace {

constexpr std::array<std::string_view, 7> kTypographicQuotes{
    "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e", "\xe2\x80\x98", "\xe2\x80\x99", "\xc2\xab", "\xc2\xbb"};

/// How many octets of a quotation mark `text` begins with; 0 for none.
std::size_t quote_length(std::string_view text) {
  for (const std::string_view quote : kTypographicQuotes)
    if (text.starts_with(quote)) return quote.size();
  return 0;
}

}  // namespace

bool has_typographic_quotes(std::string_view text) {
  return std::ranges::any_of(kTypographicQuotes, [&](std::string_view quote) { return text.contains(quote); });
}

std::string without_quotes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = text[0] == '"' ? 1 : quote_length(text);
    if (length == 0) out += text[0];
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return std::string{trim_lines(out)};
}

}  // namespace posthorn::text
