#include "foundation/text/ascii.h"

#include <algorithm>

#include "foundation/base/number.h"

namespace posthorn::text {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_upper);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

bool is_ascii(std::string_view text) {
  // Sixty-four octets a round without a branch among them, so that the compiler makes vectors of it: searches ask this
  // of every message.
  constexpr std::size_t round = 64;
  while (text.size() >= round) {
    unsigned char seen = 0;
    for (std::size_t i = 0; i < round; ++i) seen |= static_cast<unsigned char>(text[i]);
    if (seen > 0x7f) return false;
    text.remove_prefix(round);
  }
  return std::ranges::none_of(text, is_non_ascii);
}

// RFC 3629 4: the octets of one character, as ranges of its second octet.
std::size_t utf8_length(std::string_view text) {
  const auto at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const auto is_tail = [&at](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned char first = at(0);
  const unsigned char second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return is_tail(1) && is_tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool beyond = first == 0xf4 && second > 0x8f;
    return is_tail(1) && is_tail(2) && is_tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

namespace {

template <class Predicate>
std::string_view trim_if(std::string_view text, Predicate drop) {
  while (!text.empty() && drop(text.front())) text.remove_prefix(1);
  while (!text.empty() && drop(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view trim(std::string_view text) {
  return trim_if(text, is_wsp);
}

std::string_view trim_lines(std::string_view text) {
  return trim_if(text, [](char c) { return is_wsp(c) || c == '\r' || c == '\n'; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::string_view take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const auto piece = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return piece;
}

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::size_t usual_pieces = 8;
  std::vector<std::string_view> pieces;
  pieces.reserve(usual_pieces);
  for (;;) {
    while (!text.empty() && is_wsp(text.front())) text.remove_prefix(1);
    if (text.empty()) return pieces;
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  return read_number<std::uint64_t>(text);
}

std::string printable(std::string_view octets, std::size_t length_max) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : octets.substr(0, length_max)) {
    if (is_visible(c) || c == ' ') {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[octet >> 4];
    out += digits[octet & 0xf];
  }
  if (octets.size() > length_max) out += "…";
  return out;
}

}  // namespace posthorn::text
