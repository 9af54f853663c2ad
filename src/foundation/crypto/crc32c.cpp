// CRC-32C: the processor's instruction where there is one, else eight table look-ups a step.
#include <array>
#include <cstring>

#include "foundation/crypto/hash.h"
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace posthorn::crypto {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // RFC 3720 B.4, bits reversed
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
    tables[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[k - 1][i];
      tables[k][i] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr Tables tables = make_tables();

std::uint32_t step_octet(std::uint32_t crc, char c) {
  return crc >> 8 ^ tables[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
}

std::uint32_t by_tables(std::string_view octets, std::uint32_t crc) {
  while (octets.size() >= 8) {
    std::array<std::uint8_t, 8> eight;
    std::memcpy(eight.data(), octets.data(), 8);
    for (std::size_t i = 0; i < 4; ++i) eight[i] ^= static_cast<std::uint8_t>(crc >> (8 * i));
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= tables[7 - i][eight[i]];
    octets.remove_prefix(8);
  }
  for (const char c : octets) crc = step_octet(crc, c);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view octets, std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (octets.size() >= 8) {
    std::uint64_t eight;
    std::memcpy(&eight, octets.data(), 8);
    wide = _mm_crc32_u64(wide, eight);
    octets.remove_prefix(8);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const char c : octets) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(c));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view octets, std::uint32_t crc) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return ~by_instruction(octets, ~crc);
#endif
  return ~by_tables(octets, ~crc);
}

}  // namespace posthorn::crypto
