#include "foundation/base/id.h"

#include <array>

namespace posthorn {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kLength = 13;

int digit(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (c == 'i' || c == 'l') return 1;
  if (c == 'o') return 0;
  const auto at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string id_text(std::uint64_t value) {
  std::string text(kLength, '0');
  for (std::size_t i = kLength; i-- > 0; value >>= 5) text[i] = kAlphabet[value & 31];
  return text;
}

std::optional<std::uint64_t> parse_id(std::string_view text) {
  if (text.size() != kLength) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    const int d = digit(text[i]);
    // 13 digits hold 65 bits: the first one may only be 0 to 15.
    if (d < 0 || (i == 0 && d > 15)) return std::nullopt;
    value = value << 5 | static_cast<std::uint64_t>(d);
  }
  return value;
}

}  // namespace posthorn
