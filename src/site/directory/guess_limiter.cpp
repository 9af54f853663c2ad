#include "site/directory/guess_limiter.h"

#include <algorithm>

namespace posthorn::directory {
namespace {

/// RFC 4291: a subscriber has a /64 at least; its addresses are one guesser.
constexpr unsigned v6_subscriber_bits = 64;

}  // namespace

IpAddress GuessLimiter::network_of(const IpAddress& from) {
  const IpAddress address = from.unmapped();
  return address.is_v6() ? address.network(v6_subscriber_bits) : address;
}

std::int64_t GuessLimiter::half_of(TimePoint now) const {
  return now.time_since_epoch() / std::max(limits_.window / 2, Duration(1));
}

std::uint64_t GuessLimiter::value(const Counts& counts, const std::string& key, TimePoint now) const {
  const auto at = counts.find(key);
  if (at == counts.end()) return 0;
  const std::int64_t age = half_of(now) - at->second.half;
  if (age == 0) return at->second.present + at->second.former;
  return age == 1 ? at->second.present : 0;
}

void GuessLimiter::add(Counts& counts, const std::string& key, TimePoint now) {
  const std::int64_t half = half_of(now);
  if (counts.size() >= remembered_max && !counts.contains(key)) {
    std::erase_if(counts, [&](const auto& entry) { return half - entry.second.half > 1; });
    // Still full: somebody guesses from a hundred thousand networks at once. Forgetting one is all that is left.
    if (counts.size() >= remembered_max) counts.erase(counts.begin());
  }
  Count& count = counts[key];
  const std::int64_t age = half - count.half;
  if (age != 0) {
    count.former = age == 1 ? count.present : 0;
    count.present = 0;
    count.half = half;
  }
  ++count.present;
}

bool GuessLimiter::permits(const IpAddress& from, std::string_view account, TimePoint now) {
  const IpAddress network = network_of(from);
  const std::lock_guard lock(mutex_);
  if (value(by_address_, network.text(), now) >= limits_.per_address) return false;
  const std::string key(account);
  if (value(by_account_, key, now) < limits_.per_account) return true;
  // Strangers have used up the account's guesses; its owner is not shut out by that.
  const auto known = known_.find(key);
  return known != known_.end() && std::ranges::find(known->second.addresses, network) != known->second.addresses.end();
}

void GuessLimiter::wrong(const IpAddress& from, std::string_view account, TimePoint now) {
  const std::lock_guard lock(mutex_);
  add(by_address_, network_of(from).text(), now);
  add(by_account_, std::string(account), now);
}

void GuessLimiter::right(const IpAddress& from, std::string_view account, TimePoint) {
  const IpAddress network = network_of(from);
  const std::lock_guard lock(mutex_);
  auto& addresses = known_[std::string(account)].addresses;
  const auto at = std::ranges::find(addresses, network);
  if (at != addresses.end()) return;
  addresses.push_back(network);
  if (addresses.size() > known_addresses_max) addresses.pop_front();
  if (known_.size() > remembered_max) known_.erase(known_.begin());
}

}  // namespace posthorn::directory
