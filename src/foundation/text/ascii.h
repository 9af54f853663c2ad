// ASCII text as mail protocols use it: case folding that leaves octets above 127 alone, trimming, splitting.
// Independent of the locale. All views returned point into the argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::text {

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_alnum(char c) {
  return is_digit(c) || is_alpha(c);
}
/// SP or HTAB (RFC 5234 WSP).
[[nodiscard]] constexpr bool is_wsp(char c) {
  return c == ' ' || c == '\t';
}
/// Octets 0x21 to 0x7e.
[[nodiscard]] constexpr bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}
/// True for octets above 127, which only SMTPUTF8 permits.
[[nodiscard]] constexpr bool is_non_ascii(char c) {
  return static_cast<unsigned char>(c) > 0x7f;
}
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string upper(std::string_view text);
/// Equal when ASCII letters are compared without case.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
[[nodiscard]] bool istarts_with(std::string_view text, std::string_view prefix);
/// Whether every octet is below 128.
[[nodiscard]] bool is_ascii(std::string_view text);
/// How many octets the UTF-8 character has that begins here; 0: none does.
[[nodiscard]] std::size_t utf8_length(std::string_view text);
/// Whether the octets are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

/// Without the WSP at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
/// Without WSP, CR and LF at both ends.
[[nodiscard]] std::string_view trim_lines(std::string_view text);
/// The pieces between separators, empty ones included; "" gives one empty piece.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
/// Takes the octets up to the separator off the front of `text` (and drops the separator).
[[nodiscard]] std::string_view take_until(std::string_view& text, char separator);
/// The pieces between runs of WSP, no empty ones.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

/// 1*DIGIT as a number; nullopt when it is empty, has another octet or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// For people and logs: octets outside visible ASCII and SP as "\xHH", at most `length_max` octets of the
/// source ("…" follows when it was cut).
[[nodiscard]] std::string printable(std::string_view octets, std::size_t length_max = 200);

}  // namespace posthorn::text
