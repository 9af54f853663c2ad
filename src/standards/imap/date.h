// Dates of IMAP: date-time of INTERNALDATE and APPEND, date of SEARCH (RFC 9051 9). Values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/time.h"

namespace posthorn::imap {

/// A calendar day without zone: days since 1970-01-01.
struct Day {
  std::int32_t days = 0;
  friend auto operator<=>(const Day&, const Day&) = default;
};

/// date: "1-Feb-1994" or "01-Feb-1994". nullopt for what is no day.
[[nodiscard]] std::optional<Day> parse_date(std::string_view text);
/// date-time: " 7-Feb-1994 22:43:04 -0800" (the quotes are not part of it). Second 60 is taken as 59.
[[nodiscard]] std::optional<TimePoint> parse_date_time(std::string_view text);
/// The same, in UTC: "07-Feb-1994 22:43:04 +0000" (RFC 9051 9: date-day-fixed may have a space or a digit).
[[nodiscard]] std::string format_date_time(TimePoint at);
void append_date_time(std::string& output, TimePoint at);

/// RFC 9051 6.4.4: BEFORE, ON and SINCE compare the internal date "disregarding time and timezone": the day as
/// INTERNALDATE shows it, which is UTC here.
[[nodiscard]] Day day_of(TimePoint at);
/// Of the Date field: the day as the author wrote it, its zone not shifted (RFC 9051 6.4.4 SENTBEFORE…).
[[nodiscard]] std::optional<Day> sent_day_of(std::string_view date_field);

}  // namespace posthorn::imap
