// Whether those whom a DMARC record names as readers of its reports have agreed (RFC 9990 4): a destination outside
// the organization publishes "v=DMARC1" at POLICY-DOMAIN._report._dmarc.DESTINATION.
#pragma once

#include "foundation/base/finding.h"
#include "foundation/base/task.h"
#include "standards/dmarc/record.h"
#include "standards/dns/name.h"
#include "standards/dns/resolver.h"

namespace posthorn::dmarc {

inline constexpr std::size_t destinations_max = 10;  // ours: different domains asked about, the first of them

/// A finding for each destination of rua= and ruf= that has not agreed. Where the DNS gives no definite answer
/// nothing is said.
[[nodiscard]] Task<Findings> unauthorized_destinations(dns::Resolver& resolver, dns::Name policy_domain, Record record);

}  // namespace posthorn::dmarc
