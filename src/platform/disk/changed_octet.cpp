#include "platform/disk/changed_octet.h"

#include <bit>

#include "platform/disk/page_sums.h"

namespace posthorn::disk {
namespace {

// CRC-32C (RFC 3720 B.4), reflected.
constexpr std::uint32_t polynomial = 0x82f63b78;
constexpr std::size_t octet_values = 256;

struct Tables {
  std::array<std::uint32_t, octet_values> step{};     // what one octet makes of an empty register
  std::array<std::uint8_t, octet_values> backward{};  // the octet of a step, by the step's highest octet
};

constexpr Tables make_tables() {
  Tables tables;
  for (std::uint32_t octet = 0; octet < octet_values; ++octet) {
    std::uint32_t value = octet;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
    tables.step[octet] = value;
    tables.backward[value >> 24] = static_cast<std::uint8_t>(octet);
  }
  return tables;
}

constexpr Tables tables = make_tables();

char changed(char now, std::uint8_t difference) {
  return static_cast<char>(static_cast<unsigned char>(now) ^ difference);
}

/// The difference lies in one octet of the sum itself.
std::optional<ChangedOctet> in_the_sum(std::uint32_t difference, Octets page) {
  const int lowest = std::countr_zero(difference) / 8;
  const std::uint32_t octet = difference >> (8 * lowest);
  if (octet >= octet_values) return std::nullopt;
  const std::size_t at = page_octets - 1 - static_cast<std::size_t>(lowest);
  return ChangedOctet{at, changed(page[at], static_cast<std::uint8_t>(octet))};
}

}  // namespace

std::optional<ChangedOctet> changed_octet(std::uint32_t number, Octets page) {
  const std::uint32_t difference = page_sum(number, page) ^ stored_page_sum(page);
  if (difference == 0) return std::nullopt;
  std::optional<ChangedOctet> found = in_the_sum(difference, page);
  std::uint32_t value = difference;
  for (std::size_t at = page_octets - page_sum_octets; at-- > 0;) {
    const std::uint8_t octet = tables.backward[value >> 24];
    const std::uint32_t rest = value ^ tables.step[octet];
    if (rest == 0) {  // before this octet there was no difference
      if (found) return std::nullopt;
      found = ChangedOctet{at, changed(page[at], octet)};
    }
    value = rest << 8 | octet;
  }
  return found;
}

}  // namespace posthorn::disk
