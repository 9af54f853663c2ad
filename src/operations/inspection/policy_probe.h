// Live probe of a domain's MTA-STS: the record, the file over HTTPS as senders fetch it (RFC 8461 3.3), both judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/finding.h"
#include "platform/https/client.h"
#include "standards/dns/resolver.h"
#include "standards/mta_sts/policy.h"
#include "standards/mta_sts/record.h"

namespace posthorn::inspection {

struct PolicyFetch {
  std::string host;  ///< "mta-sts.DOMAIN"
  std::string url;
  int status = 0;  ///< 0: no answer
  std::string content_type;
  std::string location;  ///< of a redirect, which senders do not follow
  OctetString body;
  std::optional<https::Failure> failure;
  mta_sts::PolicyReview review;  ///< of a body that came with status 200
  [[nodiscard]] bool is_usable() const { return status == 200 && review.valid; }
};

/// Fetches `https://mta-sts.DOMAIN[:port]/.well-known/mta-sts.txt`.
/// The host's addresses are asked of `resolver`, else of the client's.
[[nodiscard]] Task<PolicyFetch> fetch_policy(https::Client& client, dns::Name domain, std::uint16_t port = 443,
                                             dns::Resolver* resolver = nullptr);

struct PolicyProbe {
  dns::Name domain;
  mta_sts::RecordLookup record;
  std::optional<PolicyFetch> fetch;  ///< asked for where there is a record
};
[[nodiscard]] Task<PolicyProbe> probe_policy(dns::Resolver& resolver, https::Client& client, dns::Name domain,
                                             std::uint16_t port = 443);

/// sts-policy-unreachable, sts-policy-redirect, sts-policy-certificate, sts-policy-syntax, sts-mode-unknown,
/// sts-max-age-short, and those of the record. `mx_hosts`: the domain's MX names; sts-mx-missing, sts-mx-extra.
[[nodiscard]] Findings findings_of(const PolicyProbe& probe, const std::vector<std::string>& mx_hosts);
/// Those of the fetch alone.
[[nodiscard]] Findings findings_of(const PolicyFetch& fetch);

}  // namespace posthorn::inspection
