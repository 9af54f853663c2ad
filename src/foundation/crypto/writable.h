// OpenSSL writes through unsigned char.
#pragma once

#include "foundation/base/bytes.h"

namespace posthorn::crypto {

[[nodiscard]] inline unsigned char* writable(OctetString& octets) {
  return reinterpret_cast<unsigned char*>(octets.data());
}

}  // namespace posthorn::crypto
