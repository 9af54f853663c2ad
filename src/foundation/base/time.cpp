#include "foundation/base/time.h"

#include <array>

#include <fmt/format.h>

namespace posthorn {
namespace {

constexpr std::array<const char*, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Duration> time;
  unsigned weekday;
};

Civil civil(TimePoint t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  return {std::chrono::year_month_day{day}, std::chrono::hh_mm_ss<Duration>{t - day},
          std::chrono::weekday{day}.c_encoding()};
}

}  // namespace

std::string rfc3339(TimePoint t, bool millis) {
  const Civil c = civil(t);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(c.date.year()),
                                 static_cast<unsigned>(c.date.month()), static_cast<unsigned>(c.date.day()),
                                 c.time.hours().count(), c.time.minutes().count(), c.time.seconds().count());
  if (millis) text += fmt::format(".{:03}", c.time.subseconds().count() / 1000);
  return text + "Z";
}

std::string rfc5322_date(TimePoint t) {
  const Civil c = civil(t);
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", kWeekdays[c.weekday],
                     static_cast<unsigned>(c.date.day()), kMonths[static_cast<unsigned>(c.date.month()) - 1],
                     static_cast<int>(c.date.year()), c.time.hours().count(), c.time.minutes().count(),
                     c.time.seconds().count());
}

}  // namespace posthorn
