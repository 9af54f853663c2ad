// Numbers written into text that is being built, without a formatter: every message and every response bears dozens.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>

namespace posthorn {

/// Appends `value` in decimal; a number of fewer digits than `digits_min` gets zeros in front.
template <std::integral Number>
void append_number(std::string& to, Number value, std::size_t digits_min = 1) {
  std::array<char, 20> digits{};  // 20 of the largest, or 19 and a sign
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto length = static_cast<std::size_t>(end - digits.data());
  to.append(digits_min - std::min(digits_min, length), '0').append(digits.data(), length);
}

}  // namespace posthorn
