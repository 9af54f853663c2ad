#include "standards/imap/date.h"

#include <array>
#include <cstdio>

#include "foundation/text/ascii.h"
#include "standards/message/date_time.h"

namespace posthorn::imap {
namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Exactly `digits` digits off the front.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) {
    if (!text::is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "-" date-month "-" date-year
std::optional<Day> take_month_and_year(std::string_view& text, unsigned day) {
  if (!take(text, '-') || text.size() < 3) return std::nullopt;
  unsigned month = 0;
  while (month < months.size() && !text::iequals(months[month], text.substr(0, 3))) ++month;
  text.remove_prefix(3);
  if (month == months.size() || !take(text, '-')) return std::nullopt;
  const auto year = take_digits(text, 4);
  if (!year) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(month + 1),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return Day{static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count())};
}

// time = 2DIGIT ":" 2DIGIT ":" 2DIGIT, in seconds
std::optional<std::int64_t> take_time(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  return std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + std::min(*second, 59U);
}

// zone = ("+" / "-") 4DIGIT, in seconds east
std::optional<std::int64_t> take_zone(std::string_view& text) {
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  const auto minutes = hours ? take_digits(text, 2) : std::nullopt;
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (std::int64_t{*hours} * 3600 + std::int64_t{*minutes} * 60);
}

}  // namespace

std::optional<Day> parse_date(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  const bool has_two = text.size() >= 2 && text::is_digit(text[1]);
  const auto day = take_digits(text, has_two ? 2 : 1);
  if (!day) return std::nullopt;
  const auto date = take_month_and_year(text, *day);
  return text.empty() ? date : std::nullopt;
}

std::optional<TimePoint> parse_date_time(std::string_view text) {
  const bool has_space = take(text, ' ');
  const bool has_two = !has_space && text.size() >= 2 && text::is_digit(text[1]);
  const auto day = take_digits(text, has_two ? 2 : 1);
  if (!day) return std::nullopt;
  const auto date = take_month_and_year(text, *day);
  if (!date || !take(text, ' ')) return std::nullopt;
  const auto time = take_time(text);
  if (!time || !take(text, ' ')) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return from_unix_seconds(std::int64_t{date->days} * 86400 + *time - *zone);
}

std::string format_date_time(TimePoint at) {
  std::string output;
  append_date_time(output, at);
  return output;
}

void append_date_time(std::string& output, TimePoint at) {
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{days};
  const auto seconds = static_cast<unsigned>(unix_seconds(at) - days.time_since_epoch().count() * 86400);
  const auto put = [&](unsigned value, unsigned digits) {
    char octets[4];
    for (unsigned i = digits; i-- > 0; value /= 10) octets[i] = static_cast<char>('0' + value % 10);
    output.append(octets, digits);
  };
  put(static_cast<unsigned>(date.day()), 2);
  output += '-';
  output += months[static_cast<unsigned>(date.month()) - 1];
  output += '-';
  put(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  output += ' ';
  put(seconds / 3600, 2);
  output += ':';
  put(seconds / 60 % 60, 2);
  output += ':';
  put(seconds % 60, 2);
  output += " +0000";
}

Day day_of(TimePoint at) {
  return Day{static_cast<std::int32_t>(std::chrono::floor<std::chrono::days>(at).time_since_epoch().count())};
}

std::optional<Day> sent_day_of(std::string_view date_field) {
  const auto date = message::parse_date_time(date_field);
  if (!date) return std::nullopt;
  return day_of(date->at + std::chrono::minutes(date->offset_minutes));
}

}  // namespace posthorn::imap
