// check_domain: asks everything that the mail of a domain hangs on, compares it with what should be there, and says
// what is wrong, for how long, and what to publish instead. `domain check` prints it.
//
// The ids of what it can find are fixed (docs/operator/findings.md). The questions are bounded: at most
// questions_max to each server and to the cache, and those that the domain itself asks for (3 an MX host, the SPF
// tree, one a further selector, SRV name, wildcard probe, report address elsewhere and watched subdomain).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/time.h"
#include "operations/inspection/check_expectation.h"
#include "operations/inspection/check_source.h"
#include "operations/inspection/mx_probe.h"
#include "operations/inspection/policy_probe.h"

namespace posthorn::inspection {

inline constexpr unsigned questions_max = 14;               // to each server, and to the cache, for the domain itself
inline constexpr std::size_t mx_hosts_checked_max = 20;     // ours: no domain needs more
inline constexpr std::size_t selectors_checked_max = 32;    // ours
inline constexpr std::size_t subdomains_checked_max = 200;  // ours

/// What an authoritative server says, for a finding and for the side-by-side table.
struct SaidByServer {
  std::string server;
  std::string answer;  ///< data of the records, "; " between them; or why there is none
  std::uint32_t ttl_seconds = 0;
  std::optional<std::uint32_t> serial;
};

/// A Finding with where it was found and both sides of it.
struct CheckFinding {
  Finding finding;
  std::string name;    ///< the DNS name it is about
  std::string wanted;  ///< the record that should be there; "" where only the owner can know
  std::vector<SaidByServer> authoritative;
  std::optional<std::string> cached;  ///< "… (240 s left)"
  /// The cache holds an earlier answer until then.
  std::optional<TimePoint> old_until;
  /// It may be the way from here that is at fault, not the domain: a roll-out is not held by it.
  bool in_doubt = false;
};

/// One question side by side.
struct CheckedRecord {
  std::string name, type;
  std::vector<std::string> wanted;
  std::vector<SaidByServer> authoritative;
  std::optional<std::string> cached;
  std::optional<std::uint32_t> cached_seconds;
  bool disagree = false;
  /// The cache holds an earlier answer until then.
  std::optional<TimePoint> old_until;
};

struct CheckReport {
  dns::Name domain;
  DomainKind kind = DomainKind::unknown;
  std::string state;
  TimePoint checked_at;
  CheckedZone zone;
  std::string dnssec;  ///< "signed", "unsigned", "bogus", "not checked"
  std::optional<TimePoint> signature_expires;
  std::vector<CheckedRecord> records;
  unsigned spf_lookups = 0, spf_void_lookups = 0;
  std::vector<std::string> spf_tree;                  ///< a line a record, indented by depth
  std::vector<std::pair<std::uint16_t, MxProbe>> mx;  ///< with their preferences
  std::optional<PolicyProbe> policy;
  std::vector<CheckFinding> findings;  ///< errors first
  unsigned questions = 0;              ///< of the domain itself, all servers and the cache together
  std::vector<AskedCount> asked;       ///< the same by server
  unsigned questions_allowed = 0;      ///< at each of them (questions_allowed())
  /// The DNS could not be asked at all.
  std::string problem;

  [[nodiscard]] bool has_errors() const;
};

/// The live part: connections to MX hosts and the policy file. Absent: only the DNS is asked.
class CheckProbes {
 public:
  virtual ~CheckProbes() = default;
  [[nodiscard]] virtual Task<MxProbe> mx(dns::Resolver& resolver, dns::Name host, bool mx_secure, TimePoint now) = 0;
  [[nodiscard]] virtual Task<PolicyProbe> policy(dns::Resolver& resolver, dns::Name domain) = 0;
  /// What all hosts that were asked so far show of the way out.
  [[nodiscard]] virtual Reached reached() const { return {}; }
  [[nodiscard]] virtual std::uint16_t mx_port() const { return 25; }
};

struct CheckOptions {
  TimePoint now;
  std::vector<std::string> selectors;  ///< beside those of the expectation
  std::vector<dns::Name> subdomains;
  bool parked = false;  ///< no mail is meant to go in or out, whatever the model says or lacks
  CheckProbes* probes = nullptr;
};

[[nodiscard]] Task<CheckReport> check_domain(CheckSource& source, dns::Name domain, Expectation expectation,
                                             CheckOptions options);

}  // namespace posthorn::inspection
