#include "standards/message/date_time.h"

#include <array>
#include <charconv>
#include <vector>

#include "foundation/text/ascii.h"
#include "standards/message/lexer.h"

namespace posthorn::message {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::size_t words_max = 16;

struct NamedZone {
  std::string_view name;
  int hours;
};
// RFC 5322 4.3.
constexpr std::array named_zones{NamedZone{"ut", 0},   NamedZone{"gmt", 0},  NamedZone{"utc", 0},
                                 NamedZone{"z", 0},    NamedZone{"edt", -4}, NamedZone{"est", -5},
                                 NamedZone{"cdt", -5}, NamedZone{"cst", -6}, NamedZone{"mdt", -6},
                                 NamedZone{"mst", -7}, NamedZone{"pdt", -7}, NamedZone{"pst", -8}};

/// Words and numbers; "," and white space part them, comments vanish, "-" parts only "12-Nov-2026" forms.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  Lexer lexer{text};
  while (words.size() < words_max) {
    lexer.skip_cfws();
    if (lexer.done()) break;
    if (lexer.accept(',')) continue;
    const auto word = lexer.word(",(");
    words.push_back(text::lower(word));
  }
  return words;
}

std::optional<int> number(std::string_view text, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  const auto value = text::parse_number(text);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<unsigned> month_of(std::string_view word) {
  if (word.size() < 3) return std::nullopt;
  for (unsigned i = 0; i < months.size(); ++i)
    if (word.substr(0, 3) == months[i]) return i + 1;
  return std::nullopt;
}

/// RFC 5322 4.3: two digits below 50 are 20xx, others 19xx; three digits count from 1900.
std::optional<int> year_of(std::string_view word) {
  const auto value = number(word, 4);
  if (!value) return std::nullopt;
  if (word.size() == 2) return *value + (*value < 50 ? 2000 : 1900);
  if (word.size() == 3) return *value + 1900;
  return word.size() == 4 ? value : std::nullopt;
}

/// hh:mm[:ss], also with fractions of a second, which are dropped.
std::optional<std::chrono::seconds> time_of(std::string_view word) {
  const auto parts = text::split(word.substr(0, word.find('.')), ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const auto hour = number(parts[0], 2), minute = number(parts[1], 2);
  const auto second = parts.size() == 3 ? number(parts[2], 2) : 0;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

struct Zone {
  int minutes = 0;
  bool known = true;
};

std::optional<Zone> zone_of(std::string_view word) {
  if (word.starts_with("gmt+") || word.starts_with("gmt-") || word.starts_with("utc+") || word.starts_with("utc-"))
    word.remove_prefix(3);
  if (word.starts_with('+') || word.starts_with('-')) {
    std::string digits;
    for (const char c : word.substr(1))
      if (c != ':') digits.push_back(c);
    if (digits.size() == 2) digits += "00";
    const auto value = number(digits, 4);
    if (!value || digits.size() != 4 || *value % 100 > 59) return std::nullopt;
    const int minutes = *value / 100 * 60 + *value % 100;
    return Zone{word[0] == '-' ? -minutes : minutes, word[0] == '+' || minutes != 0};
  }
  for (const NamedZone& zone : named_zones)
    if (zone.name == word) return Zone{zone.hours * 60, true};
  // Military letters were defined with the wrong sign in RFC 822, and other names are not known: "-0000".
  if (!word.empty() && text::is_alpha(word[0])) return Zone{0, false};
  return std::nullopt;
}

struct Parts {
  int year = 0;
  unsigned month = 0, day = 0;
  std::chrono::seconds time{};
  Zone zone{0, false};
};

/// day month year time [zone]; "12-nov-2026" counts as its three words.
std::optional<Parts> read_rfc5322(const std::vector<std::string>& words, std::size_t i) {
  std::vector<std::string_view> date;
  if (i < words.size() && words[i].find('-') != std::string::npos) {
    date = text::split(words[i++], '-');
  } else {
    for (; date.size() < 3 && i < words.size(); ++i) date.push_back(words[i]);
  }
  if (date.size() != 3 || i >= words.size()) return std::nullopt;
  const auto day = number(date[0], 2);
  const auto month = month_of(date[1]);
  const auto year = year_of(date[2]);
  const auto time = time_of(words[i++]);
  if (!day || !month || !year || !time) return std::nullopt;
  Parts parts{*year, *month, static_cast<unsigned>(*day), *time, {}};
  parts.zone.known = false;
  if (i < words.size())
    if (const auto zone = zone_of(words[i])) parts.zone = *zone;
  return parts;
}

/// C's asctime: month day time [zone] year.
std::optional<Parts> read_asctime(const std::vector<std::string>& words, std::size_t i) {
  if (i + 3 >= words.size()) return std::nullopt;
  const auto month = month_of(words[i]);
  const auto day = number(words[i + 1], 2);
  const auto time = time_of(words[i + 2]);
  if (!month || !day || !time) return std::nullopt;
  Parts parts{0, *month, static_cast<unsigned>(*day), *time, {}};
  parts.zone.known = false;
  for (std::size_t j = i + 3; j < words.size() && j < i + 5; ++j) {
    if (const auto year = year_of(words[j])) {
      parts.year = *year;
    } else if (const auto zone = zone_of(words[j])) {
      parts.zone = *zone;
    }
  }
  return parts.year == 0 ? std::nullopt : std::optional{parts};
}

}  // namespace

std::optional<DateTime> parse_date_time(std::string_view text) {
  const auto words = words_of(text);
  if (words.empty()) return std::nullopt;
  // [ day-of-week "," ]: any word of letters that is no month and no number; asctime has the month there.
  const std::size_t first = text::is_alpha(words[0][0]) && !month_of(words[0]) ? 1 : 0;
  auto parts = read_rfc5322(words, first);
  if (!parts) parts = read_asctime(words, first);
  if (!parts) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{parts->year}, std::chrono::month{parts->month},
                                         std::chrono::day{parts->day}};
  if (!date.ok()) return std::nullopt;
  const TimePoint local = std::chrono::sys_days{date} + parts->time;
  return DateTime{local - std::chrono::minutes{parts->zone.minutes}, parts->zone.minutes, parts->zone.known};
}

}  // namespace posthorn::message
