#include "foundation/codec/base64.h"

#include <array>
#include <cstdint>

namespace posthorn::codec {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t not_in_alphabet = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_in_alphabet);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto values = make_values();

std::uint8_t value_of(char c) {
  return values[static_cast<unsigned char>(c)];
}

void append_group(std::string& out, std::string_view octets) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    bits = bits << 8 | (i < octets.size() ? static_cast<unsigned char>(octets[i]) : 0U);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    out += i <= octets.size() ? alphabet[bits >> (18 - 6 * i) & 0x3f] : '=';
  }
}

// Collects 6-bit values and gives back octets.
class Bits {
 public:
  void push(std::string& out, std::uint8_t six) {
    bits_ = (bits_ << 6 | six) & 0xffff;
    count_ += 6;
    if (count_ < 8) return;
    count_ -= 8;
    out += static_cast<char>(bits_ >> count_ & 0xff);
  }
  [[nodiscard]] bool left_over_is_zero() const { return (bits_ & ((1U << count_) - 1)) == 0; }

 private:
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace

std::string base64_encode(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) append_group(out, octets.substr(i, 3));
  return out;
}

std::string base64_encode_lines(std::string_view octets, std::size_t line_length) {
  const std::size_t octets_a_line = line_length / 4 * 3;
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += octets_a_line) {
    out += base64_encode(octets.substr(i, octets_a_line));
    out += "\r\n";
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  Bits bits;
  for (const char c : text) {
    if (value_of(c) == not_in_alphabet) return std::nullopt;
    bits.push(out, value_of(c));
  }
  if (!bits.left_over_is_zero()) return std::nullopt;
  return out;
}

std::string base64_decode_lenient(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  Bits bits;
  for (const char c : text) {
    if (c == '=') break;
    if (value_of(c) != not_in_alphabet) bits.push(out, value_of(c));
  }
  return out;
}

}  // namespace posthorn::codec
