#include "flow/queue/policy.h"

#include <algorithm>

namespace posthorn::queue {

namespace {

/// Spreads what tells neighbouring numbers apart over all bits (the finalizer of splitmix64).
std::uint64_t spread(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15ULL;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31);
}

}  // namespace

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

Duration Policy::wait_after(std::uint32_t attempts, MailId mail) const {
  const Duration wait = wait_after(attempts);
  const auto places = static_cast<std::uint64_t>((wait / retry_spread_share).count()) + 1;
  return wait + Duration(static_cast<Duration::rep>(spread(mail.value + attempts) % places));
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
