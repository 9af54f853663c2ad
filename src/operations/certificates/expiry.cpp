#include "operations/certificates/expiry.h"

#include <algorithm>
#include <set>

namespace posthorn::certificates {

std::vector<Ending> endings(const std::vector<net::CertificateFacts>& in_use, TimePoint now) {
  std::vector<Ending> out;
  std::set<std::string> served;
  for (const net::CertificateFacts& facts : in_use) {
    const bool is_used = std::ranges::any_of(facts.names, [&](const auto& name) { return !served.contains(name); });
    served.insert(facts.names.begin(), facts.names.end());
    if (!is_used) continue;
    const Duration before = std::min((facts.not_after - facts.not_before) / expiry_part_of_life, expiry_alarm_max);
    if (now >= facts.not_after - before) out.push_back({facts.names.front(), facts.not_after, now >= facts.not_after});
  }
  return out;
}

void ExpiryWatch::look(const std::vector<net::CertificateFacts>& in_use, TimePoint now) {
  for (const net::CertificateFacts& facts : in_use)
    if (!facts.names.empty())
      metrics_
          .gauge("posthorn_certificate_not_after_seconds", "When a certificate ends, in seconds since 1970.",
                 {{"name", facts.names.front()}})
          .set(unix_seconds(facts.not_after));
  const std::vector<Ending> ending = endings(in_use, now);
  metrics_.gauge("posthorn_certificates_ending", "Certificates in use that end soon, or have ended.")
      .set(static_cast<std::int64_t>(ending.size()));
  for (const Ending& each : ending) {
    const auto told = told_.find(each.name);
    if (told != told_.end() && now < told->second + expiry_told_again) continue;
    told_[each.name] = now;
    log_.error(each.is_over ? "a certificate has ended" : "a certificate ends soon",
               {{"name", each.name}, {"not_after", rfc3339(each.not_after)}});
  }
}

}  // namespace posthorn::certificates
