// The MX records of a domain as a set: whether they say one thing, and what is wrong about them (RFC 5321 5.1,
// RFC 7505). Pure: `domain check` and `check mx` judge by it; the hosts themselves are mx_probe.h's business.
#pragma once

#include <vector>

#include "foundation/base/finding.h"
#include "standards/dns/resolver.h"

namespace posthorn::inspection {

struct MxSet {
  std::vector<dns::Mx> hosts;  ///< by preference, then name; null MX and addresses left out
  bool takes_no_mail = false;  ///< null MX alone
  Findings findings;           ///< mx-missing, mx-null-mixed, mx-address-literal, mx-single
};

/// `answer`: a definite one to the question for the domain's MX. `is_parked`: no mail is meant to come.
[[nodiscard]] MxSet judge_mx_set(const dns::Answer& answer, const dns::Name& domain, bool is_parked = false);

}  // namespace posthorn::inspection
