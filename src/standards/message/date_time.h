// date-time (RFC 5322 3.3, with the obsolete forms of 4.3 and what the world writes beside them).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "foundation/base/time.h"

namespace posthorn::message {

struct DateTime {
  TimePoint at;                     ///< in UTC
  std::int32_t offset_minutes = 0;  ///< east of UTC
  bool zone_known = true;           ///< false for "-0000" and for letters RFC 5322 4.3 says to ignore
  friend bool operator==(const DateTime&, const DateTime&) = default;
};
/// Comments, missing day of week or seconds, two- and three-digit years, named and military zones are accepted;
/// a missing zone is -0000. nullopt for what is no date (and for days a month does not have).
[[nodiscard]] std::optional<DateTime> parse_date_time(std::string_view text);

}  // namespace posthorn::message
