// The checksum of what is stored: CRC-32C, which guards octets against rot, not against people.
#pragma once

#include "foundation/crypto/hash.h"

namespace posthorn::disk {

using crypto::crc32c;

}  // namespace posthorn::disk
