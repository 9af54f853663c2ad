#include "flow/queue/policy.h"

#include <algorithm>

namespace posthorn::queue {

std::vector<Duration> Policy::default_retry() {
  return config::Relay{}.retry;
}

Policy Policy::from(const config::Config& config) {
  Policy policy;
  if (!config.relay.retry.empty()) policy.retry = config.relay.retry;
  policy.give_up = config.relay.give_up;
  const config::Limits& limits = config.limits;
  policy.connections_max = std::max<std::size_t>(1, limits.outbound_connections);
  policy.connections_per_hop_max = std::max<std::size_t>(1, limits.outbound_connections_per_destination);
  policy.connections_per_hop_start = std::min(policy.connections_per_hop_start, policy.connections_per_hop_max);
  policy.parcel_recipients = std::max<std::size_t>(1, limits.outbound_recipients);
  return policy;
}

Duration Policy::wait_after(std::uint32_t attempts) const {
  if (retry.empty()) return retry_spacing_later_min;
  const std::size_t last = retry.size() - 1;
  const std::size_t step = attempts == 0 ? 0 : std::min<std::size_t>(attempts - 1, last);
  return retry[step];
}

storage::RecipientRow new_recipient(const Policy& policy, MailId mail, std::uint32_t index, std::string address,
                                    std::string next_hop, TimePoint now) {
  storage::RecipientRow row;
  row.mail = mail;
  row.index = index;
  row.address = std::move(address);
  row.domain = std::move(next_hop);
  row.not_before = now;
  row.expires = now + policy.give_up;
  return row;
}

}  // namespace posthorn::queue
