// Protection: what must hold before mail is given to a host: nothing but what TLS there is, a route's own setting, the
// domain's MTA-STS policy, or the host's TLSA records. docs/states/transport.md has the table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flow/relay/sts_policies.h"
#include "standards/dane/tlsa.h"
#include "standards/tls_rpt/report.h"

namespace posthorn::relay {

enum class Guard : std::uint8_t {
  opportunistic,         ///< TLS where it is to be had, whoever it is (RFC 7435)
  configured,            ///< a route says what is needed
  sts_testing,           ///< as opportunistic; what enforce would say is recorded (RFC 8461 5)
  sts_enforce,           ///< TLS, and a certificate for the MX name
  dane,                  ///< TLS, and a certificate that matches the TLSA records (RFC 7672)
  dane_unauthenticated,  ///< TLSA records, none of them usable: TLS, whoever it is (RFC 7672 2.2)
  waived,                ///< "TLS-Required: No" (RFC 8689 3): as opportunistic, whatever the policies say
};

struct Protection {
  Guard guard = Guard::opportunistic;
  dane::TlsaLookup tlsa;           ///< with dane
  std::vector<std::string> names;  ///< with dane: reference identifiers, the TLSA base first (RFC 7672 3.2.2)
  StsFound sts;                    ///< the domain's policy where it was asked for
  std::string mx_mismatch;         ///< why that policy does not cover the host; empty: it does, or there is none

  /// Mail goes nowhere in clear.
  [[nodiscard]] bool requires_tls() const {
    return guard == Guard::sts_enforce || guard == Guard::dane || guard == Guard::dane_unauthenticated;
  }
  /// What RFC 8689 4.2.1 asks for: the next hop is the one that DANE or an enforced policy names.
  [[nodiscard]] bool authenticates() const { return guard == Guard::sts_enforce || guard == Guard::dane; }
  /// "DANE", "MTA-STS enforce"; empty where there is nothing to say.
  [[nodiscard]] std::string text() const;
};

/// One session's outcome for the TLS report of a domain (RFC 8460): a call for every connection that came as far as
/// EHLO, and for every host that a policy ruled out before it was connected to.
struct TlsOutcome {
  TimePoint at{};
  std::string policy_domain;
  tls_rpt::PolicyType policy_type = tls_rpt::PolicyType::no_policy_found;
  std::vector<std::string> policy_string;  ///< the TLSA records, or the policy's lines
  std::vector<std::string> mx_patterns;    ///< of an MTA-STS policy
  std::string mx_host;
  std::string receiving_ip;  ///< empty: not connected to
  std::string sending_ip;    ///< empty: the machine's choice
  std::optional<tls_rpt::ResultType> failure;
  std::string reason;  ///< of a failure, in words
};
using TlsObserver = std::function<void(const TlsOutcome&)>;

}  // namespace posthorn::relay
