// Plan: the DNS records that a domain whose mail is here should publish, each with its reason. Pure.
// MX, the host's addresses, SPF, DKIM and DMARC: what mail needs to flow and to be believed on the first day.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/ip_address.h"
#include "operations/domains/surroundings.h"
#include "standards/address/domain.h"

namespace posthorn::domains {

// Records that lead mail here change rarely but must be movable within a working day.
inline constexpr std::uint32_t ttl_seconds_default = 3600;

struct PlannedRecord {
  std::string name;  ///< absolute, without the root dot
  std::string type;  ///< "MX", "A", "AAAA", "TXT"
  std::uint32_t ttl_seconds = ttl_seconds_default;
  std::string data;    ///< presentation form, as a zone file has it
  std::string reason;  ///< why, in a sentence
};

/// The host that receives and sends the domain's mail.
struct MailHost {
  address::Domain name;
  std::vector<IpAddress> addresses;  ///< as the world reaches it; empty: not known, its records are left to its owner
};

/// What stands behind the domain's signatures and policy.
struct MailTrust {
  std::vector<OwnKey> keys;
  std::string dmarc_policy = "none";  ///< p=
};

/// In the order in which they should be published: addresses before the MX that names them, then SPF and keys, and the
/// policy that rests on them last.
[[nodiscard]] std::vector<PlannedRecord> plan_records(const address::Domain& domain, const MailHost& host,
                                                      const MailTrust& trust);

/// RFC 1035 5.1: one line a record, names with their root dot.
[[nodiscard]] std::string zone_text(const std::vector<PlannedRecord>& records);

}  // namespace posthorn::domains
