// When the queue tries, tells and gives up; how much it does at once. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "flow/queue/courier.h"
#include "foundation/base/time.h"
#include "platform/storage/rows.h"
#include "site/config/config.h"

namespace posthorn::queue {

// RFC 5321 4.5.4.1: two attempts in the first hour or so, then every two or three hours at least 30 minutes apart;
// give up after four or five days at least.
inline constexpr Duration retry_spacing_later_min = std::chrono::minutes(30);
inline constexpr Duration retry_first_hour = std::chrono::hours(1);
// Ours: a tenth of the wait. Waits are never shorter than the schedule's, for greylisting's sake.
inline constexpr int retry_spread_share = 10;

struct Policy {
  /// Waits after the first, second, … attempt; the last one repeats. `relay.retry`.
  std::vector<Duration> retry = default_retry();
  Duration give_up = std::chrono::hours(120);                ///< after arrival; `relay.give_up`
  Duration delay_notice_after = std::chrono::hours(4);       ///< one "delayed" report, at the first failure after this
  Duration destination_wait_max = std::chrono::minutes(30);  ///< a next hop out of reach is probed at least this often
  std::size_t connections_max = 256;                         ///< couriers at work in all
  std::size_t connections_per_hop_max = 20;                  ///< and for one next hop
  std::size_t connections_per_hop_start = 2;
  std::size_t parcel_recipients = parcel_recipients_max;
  Duration linger = std::chrono::seconds(3);  ///< a courier without work keeps its connection this long
  std::size_t recipients_in_memory_max = 20'000;
  std::size_t octets_in_memory_max = 32 * MiB;  ///< contents handed over by acceptance

  [[nodiscard]] static std::vector<Duration> default_retry();
  /// What the configuration says, defaults where it says nothing.
  [[nodiscard]] static Policy from(const config::Config& config);
  /// The wait after attempt number `attempts` (1 for the first).
  [[nodiscard]] Duration wait_after(std::uint32_t attempts) const;
  /// The same for one mail: longer by up to retry_spread_share, so that mails that failed together do not come back
  /// together. Recipients of one mail do: they share a transaction. Always the same for the same mail and attempt.
  [[nodiscard]] Duration wait_after(std::uint32_t attempts, MailId mail) const;
};

/// A recipient row as it enters the queue: due at once, gives up as the policy says.
[[nodiscard]] storage::RecipientRow new_recipient(const Policy& policy, MailId mail, std::uint32_t index,
                                                  std::string address, std::string next_hop, TimePoint now);

}  // namespace posthorn::queue
