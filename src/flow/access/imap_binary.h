// Messages appended as literal8 (RFC 3516 4.4): parts that hold NUL are stored in base64, so that BODY[…] can show them
// to everybody; BINARY[…] gives their octets back as they came. Pure.
#pragma once

#include <optional>

#include "foundation/base/bytes.h"

namespace posthorn::access {

/// nullopt: NUL stands where no encoding can hide it (a header, the text between parts).
[[nodiscard]] std::optional<OctetString> without_nul(Octets message);

}  // namespace posthorn::access
