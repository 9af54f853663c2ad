#include "site/directory/password_text.h"

#include <array>

#include "foundation/text/ascii.h"
#include "site/directory/address_key.h"

namespace posthorn::directory {
namespace {

using namespace std::string_view_literals;

/// The characters of Unicode's category Zs outside ASCII: U+00A0, U+1680, U+2000 to U+200A, U+202F, U+205F, U+3000.
constexpr std::array spaces{"\u00a0"sv, "\u1680"sv, "\u2000"sv, "\u2001"sv, "\u2002"sv, "\u2003"sv,
                            "\u2004"sv, "\u2005"sv, "\u2006"sv, "\u2007"sv, "\u2008"sv, "\u2009"sv,
                            "\u200a"sv, "\u202f"sv, "\u205f"sv, "\u3000"sv};

/// The length of such a space at the front; 0: there is none.
std::size_t space_length(std::string_view text) {
  for (const std::string_view space : spaces)
    if (text.starts_with(space)) return space.size();
  return 0;
}

}  // namespace

std::string password_text(std::string_view typed) {
  if (text::is_ascii(typed) || !text::is_utf8(typed)) return std::string(typed);
  std::string mapped;
  while (!typed.empty()) {
    const std::size_t space = space_length(typed);
    mapped += space > 0 ? ' ' : typed.front();
    typed.remove_prefix(std::max<std::size_t>(space, 1));
  }
  return nfc(mapped);
}

}  // namespace posthorn::directory
