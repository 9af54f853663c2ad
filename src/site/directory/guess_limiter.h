// GuessLimiter: how many wrong secrets an address, and strangers against an account, may send in a window of time.
// Only wrong ones count. Thread-safe, pure but for its memory, which is bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "foundation/base/ip_address.h"
#include "foundation/base/time.h"

namespace posthorn::directory {

struct GuessLimits {
  std::uint64_t per_address = 20;   ///< limits.guesses_per_address
  std::uint64_t per_account = 100;  ///< limits.guesses_per_account
  Duration window = std::chrono::minutes(15);
};

class GuessLimiter {
 public:
  /// Addresses and accounts remembered at once; the oldest are forgotten.
  static constexpr std::size_t remembered_max = 100'000;
  /// Addresses remembered as an account's own.
  static constexpr std::size_t known_addresses_max = 8;

  explicit GuessLimiter(GuessLimits limits) : limits_(limits) {}

  /// Whether a guess may be tried now. An account's own addresses pass the account's limit, never their own.
  [[nodiscard]] bool permits(const IpAddress& from, std::string_view account, TimePoint now);
  void wrong(const IpAddress& from, std::string_view account, TimePoint now);
  /// Makes the address one of the account's own. What was counted against it stays: an attacker with one account
  /// of his own must not wash his address clean with it.
  void right(const IpAddress& from, std::string_view account, TimePoint now);

 private:
  /// Two half windows: cheap, and never forgets earlier than half a window.
  struct Count {
    std::int64_t half = 0;
    std::uint64_t present = 0, former = 0;
  };
  struct Known {
    std::deque<IpAddress> addresses;
  };
  using Counts = std::unordered_map<std::string, Count>;
  [[nodiscard]] std::uint64_t value(const Counts& counts, const std::string& key, TimePoint now) const;
  void add(Counts& counts, const std::string& key, TimePoint now);
  [[nodiscard]] std::int64_t half_of(TimePoint now) const;
  [[nodiscard]] static IpAddress network_of(const IpAddress& from);

  GuessLimits limits_;
  std::mutex mutex_;
  Counts by_address_, by_account_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace posthorn::directory
