// Time points and durations. Nothing below the platform floor asks what time it is; the present is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace posthorn {

using Duration = std::chrono::microseconds;
/// Wall-clock time, UTC, microseconds since 1970-01-01.
using TimePoint = std::chrono::sys_time<Duration>;

/// Seconds since 1970, as the command line's --now and the store's rows use them.
[[nodiscard]] constexpr std::int64_t unix_seconds(TimePoint t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}
[[nodiscard]] constexpr TimePoint from_unix_seconds(std::int64_t s) {
  return TimePoint{std::chrono::seconds{s}};
}
[[nodiscard]] constexpr std::int64_t unix_micros(TimePoint t) {
  return t.time_since_epoch().count();
}
[[nodiscard]] constexpr TimePoint from_unix_micros(std::int64_t us) {
  return TimePoint{Duration{us}};
}

/// RFC 3339, UTC: "2026-12-24T08:00:00Z"; with milliseconds where `millis`: "2026-12-24T08:00:00.250Z".
[[nodiscard]] std::string rfc3339(TimePoint t, bool millis = false);
/// RFC 5322 3.3 date-time with the zone "+0000": "Thu, 24 Dec 2026 08:00:00 +0000".
[[nodiscard]] std::string rfc5322_date(TimePoint t);

}  // namespace posthorn
