#include "foundation/text/shown.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::text {
namespace {

constexpr std::size_t kCharacterOctetsMax = 4;  // RFC 3629 3

/// The octets of the character that begins here; 1 also where none does.
std::size_t character(std::string_view text) {
  for (std::size_t n = 1; n <= std::min(text.size(), kCharacterOctetsMax); ++n)
    if (is_utf8(text.substr(0, n))) return n;
  return 1;
}

bool is_between(std::string_view character, std::string_view first, std::string_view last) {
  return first <= character && character <= last;
}

/// Of more than one octet, so that octets compare as code points do.
bool can_be_seen(std::string_view character) {
  struct Range {
    std::string_view first, last;
  };
  static constexpr std::array<Range, 6> unseen{{{"\xc2\x80", "\xc2\x9f"},                    // C1 controls
                                                {"\xe2\x80\x8b", "\xe2\x80\x8f"},            // no width, directions
                                                {"\xe2\x80\xa8", "\xe2\x80\xae"},            // line ends, directions
                                                {"\xe2\x81\xa0", "\xe2\x81\xaf"},            // the same
                                                {"\xef\xbb\xbf", "\xef\xbb\xbf"},            // byte order mark
                                                {"\xf3\xa0\x80\x80", "\xf3\xa0\x87\xbf"}}};  // tags
  return std::ranges::none_of(unseen, [&](const Range& r) { return is_between(character, r.first, r.last); });
}

}  // namespace

std::string shown(std::string_view text, std::size_t octets_max) {
  std::string out;
  std::size_t used = 0;
  while (used < text.size()) {
    const std::string_view rest = text.substr(used);
    const std::string_view one = rest.substr(0, character(rest));
    if (used + one.size() > octets_max) return out + "…";
    used += one.size();
    out += one.size() > 1 && can_be_seen(one) ? std::string(one) : printable(one, one.size());
  }
  return out;
}

}  // namespace posthorn::text
