// StsPolicies: the MTA-STS policies of the domains we send to (RFC 8461 3.3, 5): asked for when there is mail, kept by
// domain in the store until their max_age is over, fetched again when the id in the DNS changes and once a day.
//
// A policy that cannot be renewed stays in force until it expires; one that was never had is none. Thread-safe;
// outlives the coroutines that await it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "platform/https/client.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/event.h"
#include "platform/storage/store.h"
#include "standards/dns/resolver.h"
#include "standards/mta_sts/policy.h"
#include "standards/tls_rpt/report.h"

namespace posthorn::relay {

// RFC 8461 10.2: policies are fetched again "proactively", once a day.
inline constexpr Duration policy_refresh_after = std::chrono::hours(24);
// RFC 8461 3.3: after a failure no further attempt for five minutes or longer.
inline constexpr Duration policy_retry_after = std::chrono::minutes(5);
inline constexpr std::size_t policies_in_memory_max = 50'000;  // ours; the store has them all
inline constexpr const char* policy_key_prefix = "mta-sts/";   // of the store's settings, then the domain

/// Why a policy could not be had, in the words of TLS reports.
struct PolicyProblem {
  tls_rpt::ResultType type = tls_rpt::ResultType::sts_policy_fetch_error;
  std::string reason;
};

/// Fetches a domain's policy file; tests put their own in its place.
class PolicyFetcher {
 public:
  virtual ~PolicyFetcher() = default;
  /// The file's octets as they came with status 200.
  [[nodiscard]] virtual Task<Result<std::string, PolicyProblem>> fetch(std::string domain) = 0;
};

/// The one answer that counts (RFC 8461 3.3): status 200, no redirect, bounded in size and time.
class HttpsPolicyFetcher final : public PolicyFetcher {
 public:
  HttpsPolicyFetcher(https::Client& client, std::uint16_t port) : client_(client), port_(port) {}
  [[nodiscard]] Task<Result<std::string, PolicyProblem>> fetch(std::string domain) override;

 private:
  https::Client& client_;
  std::uint16_t port_;
};

/// What senders ask for: `https://mta-sts.DOMAIN:port/.well-known/mta-sts.txt`, 64 KB, one minute.
[[nodiscard]] https::Request policy_request(std::string_view domain, std::uint16_t port);

/// A policy as it is kept.
struct StsPolicy {
  mta_sts::Policy policy;
  std::string id;  ///< of the TXT record it was fetched under
  TimePoint fetched{};
  [[nodiscard]] TimePoint expires() const { return fetched + std::chrono::seconds(policy.max_age_seconds); }
};

/// What holds for a domain now.
struct StsFound {
  std::shared_ptr<const StsPolicy> policy;  ///< null: none
  std::optional<PolicyProblem> problem;     ///< the record is there, the policy could not be had or renewed
  std::string note;                         ///< for the story; empty where there is nothing to say

  [[nodiscard]] mta_sts::Mode mode() const { return policy ? policy->policy.mode : mta_sts::Mode::none; }
};

class StsPolicies {
 public:
  StsPolicies(storage::Store& store, dns::Resolver& resolver, PolicyFetcher& fetcher, runtime::Clock& clock);
  ~StsPolicies();

  /// `domain`: the recipients' domain (A-label), never the MX host's. Asks for the TXT record each time (the DNS keeps
  /// it), fetches where that is due.
  [[nodiscard]] Task<StsFound> find(std::string domain);
  /// Fetches again what was fetched longer than a day ago, and forgets what has expired.
  [[nodiscard]] Task<> refresh();
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry;
  class Flight;
  using Done = runtime::Promise<StsFound>;
  [[nodiscard]] Task<std::shared_ptr<const StsPolicy>> kept(std::string domain);
  [[nodiscard]] Task<StsFound> fetch_once(std::string domain, std::string id, std::shared_ptr<const StsPolicy> old);
  [[nodiscard]] Task<StsFound> fetch(std::string domain, std::string id, std::shared_ptr<const StsPolicy> old);
  [[nodiscard]] bool may_try(const std::string& domain, const std::string& id) const;
  void land(const std::string& domain, const StsFound& found);
  void keep(const std::string& domain, std::shared_ptr<const StsPolicy> policy);

  storage::Store& store_;
  dns::Resolver& resolver_;
  PolicyFetcher& fetcher_;
  runtime::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace posthorn::relay
