// Decimal numbers in text, read, and written into what is being built without a formatter: every message and every
// response bears dozens.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn {

/// Appends `value` in decimal; a number of fewer digits than `digits_min` gets zeros in front.
template <std::integral Number>
void append_number(std::string& to, Number value, std::size_t digits_min = 1) {
  std::array<char, 20> digits{};  // 20 of the largest, or 19 and a sign
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto length = static_cast<std::size_t>(end - digits.data());
  to.append(digits_min - std::min(digits_min, length), '0').append(digits.data(), length);
}

/// 1*DIGIT and nothing else; nullopt where it is not that, or does not fit.
template <std::unsigned_integral Number>
[[nodiscard]] std::optional<Number> read_number(std::string_view digits) {
  Number value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace posthorn
