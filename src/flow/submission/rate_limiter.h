// RateLimiter: how many messages and recipients a login may submit in an hour. Recipients count, not messages alone: a
// stolen password sends to many at once. Thread-safe; bounded: a login that sent nothing for an hour is forgotten.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "foundation/base/time.h"

namespace posthorn::submission {

class RateLimiter {
 public:
  /// 0: no limit.
  RateLimiter(std::uint64_t messages_per_hour, std::uint64_t recipients_per_hour)
      : messages_max_(messages_per_hour), recipients_max_(recipients_per_hour) {}

  /// Counts one if the limit allows it.
  [[nodiscard]] bool take_message(std::string_view login, TimePoint now);
  [[nodiscard]] bool take_recipient(std::string_view login, TimePoint now);

  /// New limits (SIGHUP); what was used within the hour stays used.
  void set(std::uint64_t messages_per_hour, std::uint64_t recipients_per_hour);

 private:
  /// Token buckets: they refill steadily, so the limit has no edge at the full hour.
  struct Buckets {
    double messages = 0, recipients = 0;
    TimePoint at;
  };
  [[nodiscard]] Buckets& refilled(std::string_view login, TimePoint now);
  void forget_idle(TimePoint now);

  std::uint64_t messages_max_, recipients_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Buckets> logins_;
  TimePoint swept_;
};

}  // namespace posthorn::submission
