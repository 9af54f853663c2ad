#include "standards/smtp/reply.h"

#include <charconv>
#include <span>

#include "foundation/text/ascii.h"

namespace posthorn::smtp {
namespace {

constexpr std::size_t wire_line_octets_max = 512;  // RFC 5321 4.5.3.1.5, with CRLF

std::optional<std::uint16_t> take_status_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && length < 4 && text::is_digit(text[length])) ++length;
  const auto value = text::parse_number(text.substr(0, length));
  if (!value || *value > 999) return std::nullopt;
  text.remove_prefix(length);
  return static_cast<std::uint16_t>(*value);
}

// status-code = class "." subject "." detail (RFC 3463 2), at the front of a text.
std::optional<EnhancedStatus> take_status(std::string_view& text) {
  std::string_view rest = text;
  const auto status_class = take_status_number(rest);
  if (!status_class || (*status_class != 2 && *status_class != 4 && *status_class != 5)) return std::nullopt;
  if (!rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  const auto subject = take_status_number(rest);
  if (!subject || !rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  const auto detail = take_status_number(rest);
  if (!detail) return std::nullopt;
  text = rest;
  return EnhancedStatus{static_cast<std::uint8_t>(*status_class), *subject, *detail};
}

char safe(char c, bool utf8) {
  if (text::is_non_ascii(c)) return utf8 ? c : '?';
  return text::is_visible(c) || c == ' ' ? c : '?';
}

/// `line_end` stands in place of LF.
void append_safe(std::string& out, std::string_view text, bool utf8, char line_end = '?') {
  const std::size_t begin = out.size();
  out += text;
  for (char& c : std::span(out).subspan(begin)) c = c == '\n' ? line_end : safe(c, utf8);
}

void append_line(std::string& out, std::string_view prefix, bool is_last, std::string_view line, bool utf8) {
  out += prefix.substr(0, 3);
  out += is_last ? ' ' : '-';
  out += prefix.substr(3);
  append_safe(out, line, utf8);
  out += "\r\n";
}

}  // namespace

std::optional<EnhancedStatus> EnhancedStatus::parse(std::string_view text) {
  const auto status = take_status(text);
  return text.empty() ? status : std::nullopt;
}

std::string EnhancedStatus::text() const {
  return std::to_string(status_class) + "." + std::to_string(subject) + "." + std::to_string(detail);
}

std::string Reply::one_line() const {
  std::string out = std::to_string(code.value);
  if (enhanced) out += " " + enhanced->text();
  if (!text.empty()) out += " ";
  append_safe(out, text, true, ' ');
  return out;
}

// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
void Reply::append_wire(std::string& out, bool utf8) const {
  std::string prefix = std::to_string(code.value);
  if (enhanced) prefix += enhanced->text() + " ";
  out.reserve(out.size() + prefix.size() + text.size() + 3);
  const std::size_t room = wire_line_octets_max - prefix.size() - 3;
  std::string_view rest = text;
  for (;;) {
    const auto line_end = std::min(rest.find('\n'), rest.size());
    const auto cut = std::min(line_end, room);
    const bool skips_newline = cut == line_end && line_end < rest.size();
    const auto line = rest.substr(0, cut);
    rest.remove_prefix(cut + (skips_newline ? 1 : 0));
    const bool is_last = rest.empty() && !skips_newline;
    append_line(out, prefix, is_last || (rest.empty() && skips_newline), line, utf8);
    if (rest.empty()) return;
  }
}

ReplyParser::State ReplyParser::feed(std::string_view& octets) {
  while (!octets.empty()) {
    const auto end = octets.find('\n');
    const auto piece = octets.substr(0, end);
    octets.remove_prefix(end == std::string_view::npos ? octets.size() : end + 1);
    line_.append(piece.substr(0, reply_line_octets_max + 1 - std::min(line_.size(), reply_line_octets_max + 1)));
    if (line_.size() > reply_line_octets_max) {
      line_.resize(reply_line_octets_max);
      reply_ = Reply(reply_.code.value, text::printable(line_));
      return State::garbage;
    }
    if (end == std::string_view::npos) return State::need_input;
    const State state = end_line();
    if (state != State::need_input) return state;
  }
  return State::need_input;
}

// One line without its LF: three digits, then nothing, SP or "-", then text.
ReplyParser::State ReplyParser::end_line() {
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto code = text::parse_number(line.substr(0, 3));
  const bool is_code = line.size() >= 3 && code && *code >= 200 && *code < 600;
  const char behind = line.size() > 3 ? line[3] : ' ';
  const bool agrees = lines_ == 0 || (code && reply_.code.value == *code);
  if (!is_code || (behind != ' ' && behind != '-') || !agrees || ++lines_ > reply_lines_max) {
    reply_ = Reply(reply_.code.value, text::printable(line));
    return State::garbage;
  }
  reply_.code = ReplyCode{static_cast<std::uint16_t>(*code)};
  append_text(line.size() > 4 ? line.substr(4) : std::string_view());
  line_.clear();
  return behind == ' ' ? State::complete : State::need_input;
}

// RFC 2034 4: the status stands at the front of every line; kept once, and only where its class is the code's.
void ReplyParser::append_text(std::string_view text) {
  std::string_view rest = text;
  const auto status = take_status(rest);
  const bool is_status =
      status && (rest.empty() || rest.front() == ' ') && status->status_class == reply_.code.value / 100;
  if (is_status) {
    if (!reply_.enhanced) reply_.enhanced = status;
    text = text::trim(rest);
  }
  if (lines_ > 1) reply_.text += '\n';
  const auto room = reply_octets_max - std::min(reply_.text.size(), reply_octets_max);
  for (const char c : text.substr(0, room)) reply_.text += safe(c, true);
}

Reply ReplyParser::take() {
  Reply reply = std::move(reply_);
  *this = ReplyParser();
  return reply;
}

}  // namespace posthorn::smtp
