#include "standards/message/mbox.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/message/header.h"

namespace posthorn::message {
namespace {

constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/// The line at the front of `text`, its LF included.
Octets line_of(Octets text) {
  const std::size_t end = text.find('\n');
  return text.substr(0, end == Octets::npos ? end : end + 1);
}

Octets without_end(Octets line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// mboxrd: a line of any number of ">" and "From ".
bool is_quotable(Octets line) {
  const std::size_t at = line.find_first_not_of('>');
  return at != Octets::npos && line.substr(at).starts_with("From ");
}

/// asctime: "Thu Dec 24 08:00:00 2026", UTC.
std::string asctime_text(TimePoint at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{seconds - day};
  return fmt::format("{} {} {:>2} {:02}:{:02}:{:02} {}", weekdays[std::chrono::weekday{day}.c_encoding()],
                     month_names[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     static_cast<int>(date.year()));
}

/// The words "Mon DD HH:MM:SS … YYYY" of a From_ line, wherever they stand; a zone is not looked at (RFC 4155: UTC).
std::optional<TimePoint> parse_from_line(Octets line) {
  const auto words = text::words(line);
  for (std::size_t i = 2; i + 3 < words.size(); ++i) {
    const auto month = std::ranges::find(month_names, words[i]);
    const auto day = text::parse_number(words[i + 1]);
    const auto year = text::parse_number(words.back());
    const std::string_view time = words[i + 2];
    if (month == month_names.end() || !day || !year || time.size() != 8 || time[2] != ':' || time[5] != ':') continue;
    const auto hours = text::parse_number(time.substr(0, 2));
    const auto minutes = text::parse_number(time.substr(3, 2));
    const auto seconds = text::parse_number(time.substr(6, 2));
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(std::min<std::uint64_t>(*year, 9999))},
                                           std::chrono::month{static_cast<unsigned>(month - month_names.begin()) + 1},
                                           std::chrono::day{static_cast<unsigned>(std::min<std::uint64_t>(*day, 99))}};
    if (!date.ok() || !hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) continue;
    return TimePoint{std::chrono::sys_days{date} + std::chrono::hours{*hours} + std::chrono::minutes{*minutes} +
                     std::chrono::seconds{*seconds}};
  }
  return std::nullopt;
}

void take_status(KeptMessage& message, Octets status, Octets x_status, Octets keywords) {
  const auto has = [](Octets letters, char letter) { return letters.find(letter) != Octets::npos; };
  message.seen = has(status, 'R');
  message.answered = has(x_status, 'A');
  message.flagged = has(x_status, 'F');
  message.deleted = has(x_status, 'D');
  message.draft = has(x_status, 'T');
  for (const std::string_view word : text::words(keywords)) message.keywords.emplace_back(word);
}

/// A line "NAME: value" at the front, taken off; nullopt where another line stands there.
std::optional<Octets> take_field(Octets& rest, std::string_view name) {
  const Octets line = line_of(rest);
  if (!line.starts_with(name)) return std::nullopt;
  rest.remove_prefix(line.size());
  return without_end(line).substr(name.size());
}

/// The lines that format_mbox() puts on top; false where they are not there, and nothing is taken.
bool take_own_lines(KeptMessage& message, Octets& text, std::optional<std::uint64_t>& raw_octets) {
  Octets rest = text;
  const auto status = take_field(rest, "Status: ");
  const auto x_status = status ? take_field(rest, "X-Status: ") : std::nullopt;
  const auto keywords = x_status ? take_field(rest, "X-Keywords: ") : std::nullopt;
  if (!keywords) return false;
  take_status(message, *status, *x_status, *keywords);
  if (const auto raw = take_field(rest, "X-Raw-Octets: ")) raw_octets = text::parse_number(*raw);
  text = rest;
  return true;
}

OctetString unquoted(Octets text) {
  OctetString out;
  out.reserve(text.size());
  while (!text.empty()) {
    Octets line = line_of(text);
    text.remove_prefix(line.size());
    if (line.front() == '>' && is_quotable(line)) line.remove_prefix(1);
    out += line;
  }
  return out;
}

KeptMessage parse_message(Octets text) {
  KeptMessage message;
  const Octets from = line_of(text);
  message.date = parse_from_line(without_end(from));
  text.remove_prefix(from.size());
  // The empty line before the next "From ".
  if (text.ends_with("\r\n\r\n")) {
    text.remove_suffix(2);
  } else if (text.ends_with("\n\n") || text == "\n") {
    text.remove_suffix(1);
  }
  std::optional<std::uint64_t> raw_octets;
  if (!take_own_lines(message, text, raw_octets)) {
    const Header header = Header::parse(text.substr(0, header_octets_max));
    take_status(message, header.value("Status").value_or(""), header.value("X-Status").value_or(""),
                header.value("X-Keywords").value_or(""));
  }
  message.octets = unquoted(text);
  if (raw_octets) {
    message.octets.resize(std::min<std::uint64_t>(*raw_octets, message.octets.size()));
  } else {
    message.octets = to_crlf(message.octets);
  }
  return message;
}

}  // namespace

bool has_plain_lines(Octets octets) {
  for (std::size_t at = octets.find_first_of("\r\n"); at != Octets::npos; at = octets.find_first_of("\r\n", at + 2))
    if (octets.substr(at, 2) != "\r\n") return false;
  return octets.ends_with("\r\n");
}

OctetString to_lf(Octets octets) {
  OctetString out;
  out.reserve(octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i)
    if (octets.substr(i, 2) != "\r\n") out += octets[i];
  return out;
}

OctetString to_crlf(Octets octets) {
  OctetString out;
  out.reserve(octets.size() + octets.size() / 32);
  while (!octets.empty()) {
    const Octets line = line_of(octets);
    octets.remove_prefix(line.size());
    const bool bare = line.ends_with('\n') && !line.ends_with("\r\n");
    out += bare ? line.substr(0, line.size() - 1) : line;
    if (bare) out += "\r\n";
  }
  return out;
}

std::string format_mbox(const KeptMessage& message) {
  std::string sender = "MAILER-DAEMON";
  if (const auto path = Header::parse(Octets(message.octets).substr(0, 64 * KiB)).value("Return-Path"))
    if (path->size() > 2 && path->front() == '<' && path->find(' ') == std::string::npos)
      sender = path->substr(1, path->size() - 2);
  std::string out = fmt::format("From {} {}\n", sender, asctime_text(message.date.value_or(TimePoint{})));
  out += fmt::format("Status: {}O\nX-Status: {}{}{}{}\nX-Keywords: {}\n", message.seen ? "R" : "",
                     message.answered ? "A" : "", message.flagged ? "F" : "", message.draft ? "T" : "",
                     message.deleted ? "D" : "", fmt::join(message.keywords, " "));
  const bool plain = has_plain_lines(message.octets);
  if (!plain) out += fmt::format("X-Raw-Octets: {}\n", message.octets.size());
  const OctetString body = plain ? to_lf(message.octets) : message.octets;
  for (Octets rest = body; !rest.empty();) {
    const Octets line = line_of(rest);
    rest.remove_prefix(line.size());
    if (is_quotable(line)) out += '>';
    out += line;
  }
  if (!out.ends_with('\n')) out += '\n';
  return out + "\n";
}

void MboxReader::push(Octets octets) {
  buffer_ += octets;
  // A message that is passed over is not kept; its last line may be the next one's first.
  if (!too_long_ && scanned_ > octets_max_) too_long_ = true;
}

std::optional<std::size_t> MboxReader::find_end() {
  while (scanned_ < buffer_.size()) {
    const std::size_t newline = buffer_.find('\n', scanned_);
    if (newline == std::string::npos && !finished_) {
      if (buffer_.size() > octets_max_) pass_over_line();
      return std::nullopt;
    }
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline + 1;
    const Octets line = Octets(buffer_).substr(scanned_, end - scanned_);
    // Programs that do not quote leave "From here on" in their texts: a line that begins a message has a time as well.
    const bool begins = after_empty_ && line.starts_with("From ") && parse_from_line(without_end(line));
    if (begins && (scanned_ > 0 || too_long_)) return scanned_;
    if (scanned_ == 0 && !too_long_ && !line.starts_with("From ")) {
      broken_ = true;
      return std::nullopt;
    }
    after_empty_ = without_end(line).empty();
    scanned_ = end;
    if (scanned_ > octets_max_) {
      too_long_ = true;
      drop(scanned_);
    }
  }
  if (!finished_ || (buffer_.empty() && !too_long_)) return std::nullopt;
  return buffer_.size();
}

/// A line that is longer than a message may be.
void MboxReader::pass_over_line() {
  too_long_ = true;
  after_empty_ = false;
  drop(buffer_.size());
}

void MboxReader::drop(std::size_t octets) {
  buffer_.erase(0, octets);
  scanned_ = 0;
}

std::optional<KeptMessage> MboxReader::next() {
  while (true) {
    const auto end = find_end();
    if (!end) return std::nullopt;
    if (too_long_) {
      ++passed_over_;
      too_long_ = false;
      drop(*end);
      after_empty_ = true;
      if (buffer_.empty() && finished_) return std::nullopt;
      continue;
    }
    KeptMessage message = parse_message(Octets(buffer_).substr(0, *end));
    drop(*end);
    after_empty_ = true;
    return message;
  }
}

}  // namespace posthorn::message
