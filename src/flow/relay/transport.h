// Transport security of a delivery: which policy holds for a host, and what is said where none can be met. Private to
// relay.
#pragma once

#include "standards/smtp/reply.h"

namespace posthorn::relay {

/// RFC 8689 4.2.1: the message asks for REQUIRETLS and this host cannot be proven to be the one that is meant.
[[nodiscard]] smtp::Reply requiretls_refusal();

}  // namespace posthorn::relay
