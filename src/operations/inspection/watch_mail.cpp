#include "operations/inspection/watch_mail.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/message/write.h"

namespace posthorn::inspection {
namespace {

constexpr std::size_t events_in_mail_max = 50;
constexpr std::size_t text_octets_max = 1500;
constexpr std::size_t record_octets_max = 900;
constexpr std::size_t line_columns = 72;

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// What a 7-bit body may hold.
std::string ascii(std::string_view text, std::size_t octets_max) {
  std::string out = text::printable(text.substr(0, octets_max), octets_max);
  const bool cut = text.size() > octets_max || out.size() > octets_max;
  if (out.size() > octets_max) out.resize(octets_max);
  return cut ? out + " [cut]" : out;
}

/// RFC 5322 2.1.1: lines of 998 octets at most. Long words (keys) are cut, and their reader told where to find them.
void put_wrapped(std::string& out, std::string_view text, std::string_view indent) {
  std::string line(indent);
  for (const std::string_view word : text::words(text)) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > line_columns) {
      out += line + "\r\n";
      line = indent;
    }
    if (line.size() > indent.size()) line += ' ';
    line += word.substr(0, 500);
  }
  if (line.size() > indent.size()) out += line + "\r\n";
}

void put_event(std::string& out, const WatchEvent& event) {
  out += fmt::format("{:<8} {}  {}\r\n", event.what == WatchWhat::mended ? "mended" : word(event.level), event.id,
                     ascii(event.name, text_octets_max));
  if (event.what == WatchWhat::mended) return;
  put_wrapped(out, ascii(event.reason, text_octets_max), "    ");
  if (event.correction.empty()) return;
  // In one line, to be copied; RFC 5322 2.1.1 allows 998 octets.
  out += fmt::format("    To publish:\r\n      {}\r\n", ascii(event.correction, record_octets_max));
}

std::string subject(const WatchLetter& letter, const std::vector<WatchEvent>& events) {
  std::size_t errors = 0, warnings = 0, mended = 0;
  for (const WatchEvent& event : events) {
    if (event.what == WatchWhat::mended)
      ++mended;
    else if (event.level == FindingLevel::error)
      ++errors;
    else
      ++warnings;
  }
  std::string what;
  const auto add = [&what](const std::string& part) { what += (what.empty() ? "" : ", ") + part; };
  if (errors > 0) add(counted(errors, "new error"));
  if (warnings > 0) add(counted(warnings, "new warning"));
  if (mended > 0) add(counted(mended, "finding") + " mended");
  return fmt::format("DNS of {}: {}", letter.domain, what);
}

}  // namespace

std::string watch_mail(const WatchLetter& letter, const std::vector<WatchEvent>& events, std::size_t errors) {
  std::string out = message::write_date(letter.at);
  out += fmt::format("From: Posthorn <postmaster@{}>\r\nTo: <{}>\r\n", letter.host_name, letter.to);
  out += message::write_unstructured("Subject", subject(letter, events));
  out += message::write_message_id(letter.id.text(), letter.host_name);
  // RFC 3834 5: nobody's vacation program answers it.
  out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  out += fmt::format("What {} publishes for its mail has changed:\r\n\r\n", letter.domain);
  const std::size_t shown = std::min(events.size(), events_in_mail_max);
  for (std::size_t i = 0; i < shown; ++i) {
    put_event(out, events[i]);
    out += "\r\n";
  }
  if (shown < events.size()) out += fmt::format("And {} more.\r\n\r\n", events.size() - shown);
  out += fmt::format("{} now. Each change is told once; see all with\r\n\r\n", counted(errors, "error"));
  out += fmt::format("    posthorn domain watch {0}\r\n    posthorn domain check {0}\r\n", letter.domain);
  return out;
}

}  // namespace posthorn::inspection
