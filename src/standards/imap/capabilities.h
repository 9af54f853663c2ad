// What the server says it can (RFC 9051 6.1.1), by state. Only what works is named.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "standards/sasl/mechanism.h"

namespace posthorn::imap {

/// What the capability list depends on.
struct CapabilityFacts {
  bool is_authenticated = false;
  bool offers_starttls = false;
  bool may_login = false;                   ///< passwords are taken now; else LOGINDISABLED
  std::vector<sasl::Mechanism> mechanisms;  ///< offered now
  bool quota = true;
  std::uint64_t append_octets_max = 0;  ///< 0: no APPENDLIMIT
};
/// "IMAP4rev2 IMAP4rev1 …" without the word CAPABILITY.
[[nodiscard]] std::string capability_words(const CapabilityFacts& facts);

}  // namespace posthorn::imap
