// How many of the ten lookups an SPF record would use up (RFC 7208 4.6.4), before it is published.
#pragma once

#include <string>

#include "foundation/base/task.h"
#include "standards/dns/resolver.h"

namespace posthorn::domains {

struct SpfCount {
  unsigned lookups = 0;
  unsigned void_lookups = 0;
  std::string problem;  ///< why it would be permerror or could not be counted
};
/// Evaluates `text` as if it stood at `domain`, nested records as they are published. The resolver outlives it.
[[nodiscard]] Task<SpfCount> count_spf(dns::Resolver& resolver, dns::Name domain, std::string text);

}  // namespace posthorn::domains
