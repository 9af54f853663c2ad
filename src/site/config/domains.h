// Domains: what the configuration says about all domains of the site (`domains.*`): the organization's report
// addresses, and how often the server looks at its domains again. What one domain is to be stands in its model
// (operations).
#pragma once

#include <string>
#include <vector>

#include "foundation/base/time.h"

namespace posthorn::config {

struct Domains {
  /// Where reports go for a domain whose model names no address of its own, as URIs; empty: its postmaster.
  std::vector<std::string> dmarc_reports;  ///< "mailto:…"
  std::vector<std::string> tls_reports;    ///< "mailto:…" or "https:…"
  /// Between two checks of a domain by the server; zero: none are made.
  Duration watch_interval = std::chrono::hours(6);
  bool watch_mail = true;  ///< changes for the worse and the better are told to the domain's postmaster by mail
};
// A roll-out counts checks that are at most two days old (operations/domains/rollout.h): watching slower than that
// would be no evidence. Faster than every ten minutes sees nothing that a TTL allows to have changed.
inline constexpr Duration watch_interval_min = std::chrono::minutes(10);
inline constexpr Duration watch_interval_max = std::chrono::hours(48);

}  // namespace posthorn::config
