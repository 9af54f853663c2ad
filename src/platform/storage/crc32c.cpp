#include "platform/storage/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace posthorn::storage {
namespace {

constexpr std::uint32_t reversed_polynomial = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reversed_polynomial : 0);
    table[i] = crc;
  }
  return table;
}

std::uint32_t by_table(Octets octets, std::uint32_t crc) {
  static constexpr auto table = make_table();
  for (const char c : octets) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(Octets octets, std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (octets.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), 8);
    wide = _mm_crc32_u64(wide, word);
    octets.remove_prefix(8);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const char c : octets) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(c));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(Octets octets, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~by_instruction(octets, ~before);
#endif
  return ~by_table(octets, ~before);
}

}  // namespace posthorn::storage
