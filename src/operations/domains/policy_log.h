// PolicyLog: every MTA-STS policy (RFC 8461) that was ever served for a domain, with the time of its last fetch: from
// it follows how long somebody may still hold one. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"
#include "standards/mta_sts/policy.h"

namespace posthorn::domains {

/// One policy that was served.
struct PolicyEntry {
  std::string id;
  mta_sts::Policy policy;
  TimePoint first_served;
  /// No fetch of it was later than this. While it is being served, fetches push it on.
  TimePoint last_fetched;
  /// Served by somebody else: nobody tells us of fetches, so that "now" counts while it is the last one.
  bool elsewhere = false;

  /// Until then a sender may hold it, as far as its last fetch tells.
  [[nodiscard]] TimePoint held_until() const { return last_fetched + std::chrono::seconds{policy.max_age_seconds}; }
};

/// Every policy of a domain, oldest first; the last one is being served. Kept as JSON in the store
/// ("domains/policies/DOMAIN").
struct PolicyLog {
  std::vector<PolicyEntry> entries;

  [[nodiscard]] const PolicyEntry* current() const { return entries.empty() ? nullptr : &entries.back(); }
  /// The policies that enforce, lack the host and may still be held, oldest first.
  [[nodiscard]] std::vector<const PolicyEntry*> lacking(std::string_view host, TimePoint now) const;
  /// Serve this one from `now` on. Nothing where it is the current one already.
  void serve(const mta_sts::Policy& policy, TimePoint now, bool elsewhere = false);
  /// Somebody fetched the current one.
  void fetched(TimePoint at);
  /// The latest time at which somebody may hold an enforced policy that does not let mail go to `host`; nullopt:
  /// nobody does. What is being served counts as fetched now.
  [[nodiscard]] std::optional<TimePoint> lacking_until(std::string_view host, TimePoint now) const;
  /// The same for any policy that enforces or tests: when the last one has run off (leave).
  [[nodiscard]] std::optional<TimePoint> held_until(TimePoint now) const;
  /// Drops what nobody can hold any more, but the current one.
  void forget(TimePoint now);
};
/// Entries kept; a domain that changes its policy more often than this within its max_age keeps the longest held.
inline constexpr std::size_t policies_max = 200;

/// Whether the two tell of the same policies, whatever was fetched when.
[[nodiscard]] bool same_policies(const PolicyLog& a, const PolicyLog& b);
/// Takes over the later fetches that `other` knows of: it was written while this one was being changed.
void take_fetches(PolicyLog& log, const PolicyLog& other);

[[nodiscard]] std::string policy_log_json(const PolicyLog& log);
/// An unreadable text is an empty log.
[[nodiscard]] PolicyLog parse_policy_log(std::string_view json);
/// "domains/policies/example.org".
[[nodiscard]] std::string policy_log_key(std::string_view domain);

}  // namespace posthorn::domains
