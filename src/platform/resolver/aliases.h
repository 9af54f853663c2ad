// A question followed through CNAMEs into other zones, for resolvers that ask one server at a time. Private to
// resolver.
#pragma once

#include "standards/dns/resolver.h"

namespace posthorn::resolver {

/// Asks once; where the name is an alias whose target the answer leaves out: `no_data` with the CNAMEs.
class OneStep {
 public:
  virtual ~OneStep() = default;
  [[nodiscard]] virtual Task<dns::Answer> ask_one(dns::Name name, dns::RecordType type) = 0;
};

/// RFC 1034 5.3.3 step 4c. At most dns::cname_chain_max links; then `servfail`.
[[nodiscard]] Task<dns::Answer> follow_aliases(OneStep& steps, dns::Name name, dns::RecordType type);

}  // namespace posthorn::resolver
