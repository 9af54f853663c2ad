#include "platform/net/connection_limits.h"

namespace posthorn::net {
namespace {

// One customer gets a /64 at least (RFC 6177), so a single address of IPv6 says nothing.
constexpr unsigned kIpv6Network = 64;

IpAddress network_of(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  return plain.is_v6() ? plain.network(kIpv6Network) : plain;
}

}  // namespace

ConnectionLimits::Place& ConnectionLimits::Place::operator=(Place&& other) noexcept {
  std::swap(limits_, other.limits_);
  std::swap(network_, other.network_);
  return *this;
}

ConnectionLimits::Place::~Place() {
  if (limits_ != nullptr) limits_->leave(network_);
}

Result<ConnectionLimits::Place, ConnectionLimits::Full> ConnectionLimits::enter(const IpAddress& from) {
  const IpAddress network = network_of(from);
  const std::lock_guard lock(mutex_);
  if (total_ >= total_max_) return fail(Full::total);
  std::size_t& count = by_network_[network];
  if (count >= per_address_max_) return fail(Full::address);
  ++count;
  ++total_;
  return Place(*this, network);
}

void ConnectionLimits::leave(const IpAddress& network) {
  const std::lock_guard lock(mutex_);
  --total_;
  const auto found = by_network_.find(network);
  if (--found->second == 0) by_network_.erase(found);
}

void ConnectionLimits::set(std::size_t total_max, std::size_t per_address_max) {
  const std::lock_guard lock(mutex_);
  total_max_ = total_max;
  per_address_max_ = per_address_max;
}

std::size_t ConnectionLimits::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace posthorn::net
