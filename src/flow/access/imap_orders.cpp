#include "flow/access/imap_orders.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace posthorn::access {

std::shared_ptr<const Orders::Order> Orders::find(storage::MailboxId mailbox, std::string_view what) {
  const std::lock_guard lock(mutex_);
  const auto place =
      std::ranges::find_if(kept_, [&](const Kept& kept) { return kept.mailbox == mailbox && kept.what == what; });
  if (place == kept_.end()) return nullptr;
  std::rotate(place, place + 1, kept_.end());
  return kept_.back().order;
}

void Orders::keep(storage::MailboxId mailbox, std::string what, std::shared_ptr<const Order> order) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& kept) { return kept.mailbox == mailbox && kept.what == what; });
  kept_.push_back({mailbox, std::move(what), std::move(order)});
  const auto messages = [&] {
    return std::accumulate(kept_.begin(), kept_.end(), std::size_t{0},
                           [](std::size_t sum, const Kept& kept) { return sum + kept.order->uids.size(); });
  };
  while (!kept_.empty() && messages() > messages_max) kept_.erase(kept_.begin());
}

std::optional<std::vector<std::uint32_t>> order_among(const Orders::Order& order,
                                                      const std::vector<storage::Uid>& uids) {
  constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> index_of(order.uids.size(), absent);
  std::size_t known = 0;
  for (std::size_t i = 0; i < uids.size(); ++i) {
    while (known < order.uids.size() && order.uids[known] < uids[i]) ++known;
    if (known == order.uids.size() || order.uids[known] != uids[i]) return std::nullopt;
    index_of[known] = static_cast<std::uint32_t>(i);
  }
  std::vector<std::uint32_t> among;
  among.reserve(uids.size());
  for (const std::uint32_t each : order.order)
    if (index_of[each] != absent) among.push_back(index_of[each]);
  return among;
}

}  // namespace posthorn::access
