// CRC-32C (Castagnoli), as in iSCSI (RFC 3720 B.4) and ext4. Guards stored octets against rot, not against people.
#pragma once

#include <cstdint>

#include "foundation/base/bytes.h"

namespace posthorn::storage {

/// The checksum of `octets` following those that gave `before`.
[[nodiscard]] std::uint32_t crc32c(Octets octets, std::uint32_t before = 0);

}  // namespace posthorn::storage
