#include "foundation/base/time.h"

#include <array>

#include "foundation/base/number.h"

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

void append_time_of_day(std::string& out, const Civil& c) {
  append_number(out, c.time.hours().count(), 2);
  out += ':';
  append_number(out, c.time.minutes().count(), 2);
  out += ':';
  append_number(out, c.time.seconds().count(), 2);
}

}  // namespace

std::string rfc3339(TimePoint t, bool millis) {
  const Civil c = civil(t);
  std::string text;
  append_number(text, static_cast<int>(c.date.year()), 4);
  text += '-';
  append_number(text, static_cast<unsigned>(c.date.month()), 2);
  text += '-';
  append_number(text, static_cast<unsigned>(c.date.day()), 2);
  text += 'T';
  append_time_of_day(text, c);
  if (millis) {
    text += '.';
    append_number(text, c.time.subseconds().count() / 1000, 3);
  }
  text += 'Z';
  return text;
}

std::string rfc5322_date(TimePoint t) {
  const Civil c = civil(t);
  std::string text = kWeekdays[c.weekday];
  text += ", ";
  append_number(text, static_cast<unsigned>(c.date.day()), 1);
  text += ' ';
  text += kMonths[static_cast<unsigned>(c.date.month()) - 1];
  text += ' ';
  append_number(text, static_cast<int>(c.date.year()), 4);
  text += ' ';
  append_time_of_day(text, c);
  text += " +0000";
  return text;
}

}  // namespace posthorn
