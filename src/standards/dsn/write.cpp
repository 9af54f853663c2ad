// Writing delivery status notifications: multipart/report (RFC 6522) with message/delivery-status (RFC 3464), or
// message/global-delivery-status (RFC 6533) where an address is internationalized.
#include "standards/message/write.h"

#include <fmt/format.h>

#include "foundation/codec/quoted_printable.h"
#include "foundation/text/ascii.h"
#include "standards/dsn/dsn.h"
#include "standards/dsn/explain.h"
#include "standards/dsn/recipient_address.h"
#include "standards/message/encoded_word.h"
#include "standards/message/header.h"
#include "standards/message/message_id.h"

namespace posthorn::dsn {
namespace {

constexpr std::size_t field_line_octets = 76;
constexpr std::size_t diagnostic_octets_max = 2000;
constexpr std::size_t quoted_subject_octets_max = 200;

/// One line of text: no controls, and ASCII unless `utf8`.
std::string plain(std::string_view text, bool utf8) {
  const bool keep_utf8 = utf8 && text::is_utf8(text);
  std::string out;
  for (const char c : text) {
    const bool control = (c >= 0 && c < ' ') || c == 0x7f;
    if (control) {
      out.push_back(' ');
    } else {
      out.push_back(text::is_non_ascii(c) && !keep_utf8 ? '?' : c);
    }
  }
  return out;
}

/// "Name: words" folded between words.
std::string field(std::string_view name, std::string_view value) {
  std::string out = fmt::format("{}:", name);
  std::size_t column = out.size();
  bool first = true;
  for (const std::string_view word : words_that_fit(value)) {
    const bool fold = !std::exchange(first, false) && column + 1 + word.size() > field_line_octets;
    out += fold ? "\r\n " : " ";
    column = (fold ? 0 : column) + 1 + word.size();
    out += word;
  }
  return out + "\r\n";
}

/// A typed address; a word of its own however long, so that it is never cut.
std::string address_field(std::string_view name, std::string_view type, std::string_view address, bool utf8) {
  const std::string_view shown_type = text::is_ascii(address) ? type : "utf-8";
  return fmt::format("{}: {}; {}\r\n", name, shown_type, plain(address, utf8));
}

std::string recipient_fields(const RecipientReport& recipient, bool utf8) {
  std::string out;
  if (recipient.original_recipient) {
    const TypedAddress original = parse_orcpt(*recipient.original_recipient);
    const std::string type = original.type.empty() ? "rfc822" : plain(original.type, false);
    out += address_field("Original-Recipient", type, original.address, utf8);
  }
  out += address_field("Final-Recipient", "rfc822", recipient.final_recipient, utf8);
  out += field("Action", text(recipient.action));
  out += field("Status", plain(recipient.status, false));
  if (!recipient.remote_mta.empty()) out += field("Remote-MTA", "dns; " + plain(recipient.remote_mta, utf8));
  if (!recipient.diagnostic.empty()) {
    const std::string_view type = recipient.diagnostic_is_smtp ? "smtp" : "x-posthorn";
    const auto words = std::string_view{recipient.diagnostic}.substr(0, diagnostic_octets_max);
    out += field("Diagnostic-Code", fmt::format("{}; {}", type, plain(words, utf8)));
  }
  if (recipient.last_attempt) out += field("Last-Attempt-Date", rfc5322_date(*recipient.last_attempt));
  if (recipient.will_retry_until && recipient.action == Action::delayed)
    out += field("Will-Retry-Until", rfc5322_date(*recipient.will_retry_until));
  return out;
}

std::string delivery_status(const Report& report, bool utf8) {
  std::string out;
  if (report.envelope_id) out += fmt::format("Original-Envelope-Id: {}\r\n", plain(*report.envelope_id, utf8));
  out += field("Reporting-MTA", "dns; " + plain(report.reporting_mta, utf8));
  if (report.arrival_date) out += field("Arrival-Date", rfc5322_date(*report.arrival_date));
  for (const RecipientReport& recipient : report.recipients) out += "\r\n" + recipient_fields(recipient, utf8);
  return out;
}

bool needs_global(const Report& report) {
  return std::ranges::any_of(report.recipients, [](const RecipientReport& r) {
    return !text::is_ascii(r.final_recipient) ||
           (r.original_recipient && !text::is_ascii(parse_orcpt(*r.original_recipient).address));
  });
}

/// The third part: its type and octets.
struct Returned {
  std::string type;
  std::string octets;
  bool whole = false;
};

/// RFC 3461 4.3: RET says it for failures; every other report returns the header alone.
bool may_return_whole(const Report& report) {
  const bool failed =
      std::ranges::any_of(report.recipients, [](const RecipientReport& r) { return r.action == Action::failed; });
  const bool complete = report.original.size() == report.original_octets;
  return failed && report.returned == Return::full && complete && report.original.size() <= returned_message_octets_max;
}

/// Whole fields only. Where the octets given end inside the header, the last field may be cut and is left out.
std::string bounded_header(const Report& report, const message::Header& header) {
  const bool ends_inside =
      report.original.size() < report.original_octets && header.body_offset() == report.original.size();
  std::string out;
  for (const message::Field& original : header.fields()) {
    const bool last = original.offset + original.raw.size() == header.octets().size();
    if (last && ends_inside && header.octets().size() == report.original.size()) break;
    if (out.size() + original.raw.size() > returned_header_octets_max) break;
    out += original.raw;
  }
  return out;
}

Returned returned_part(const Report& report, const message::Header& header) {
  const bool utf8_header = !text::is_ascii(header.octets()) && text::is_utf8(header.octets());
  if (may_return_whole(report))
    return {utf8_header ? "message/global" : "message/rfc822", std::string{report.original}, true};
  return {utf8_header ? "message/global-headers" : "text/rfc822-headers", bounded_header(report, header), false};
}

/// A line that stands in none of the parts.
std::string choose_boundary(const Report& report, std::initializer_list<std::string_view> parts) {
  for (unsigned attempt = 0;; ++attempt) {
    std::string boundary = fmt::format("=_report_{}_{}", unix_micros(report.at), attempt);
    const bool free = std::ranges::none_of(parts, [&](std::string_view p) { return p.find(boundary) != p.npos; });
    if (free) return boundary;
  }
}

std::string subject(const Report& report, const message::Header& header) {
  std::string original = message::decode_encoded_words(header.value("Subject").value_or(""));
  if (original.size() > quoted_subject_octets_max) {
    std::size_t end = quoted_subject_octets_max;
    while (end > 0 && (static_cast<unsigned char>(original[end]) & 0xc0) == 0x80) --end;
    original = original.substr(0, end) + "...";
  }
  if (original.empty()) return std::string{subject_for(report)};
  return fmt::format("{}: {}", subject_for(report), original);
}

/// RFC 3834 3.1.5: the report belongs to the message's thread.
std::string thread_fields(const message::Header& header) {
  const auto id = message::parse_message_id(header.value("Message-ID").value_or(""));
  if (!id || id->size() > message::line_octets_max / 2 || !std::ranges::all_of(*id, text::is_visible)) return {};
  return fmt::format("In-Reply-To: <{0}>\r\nReferences: <{0}>\r\n", *id);
}

std::string report_header(const Report& report, const message::Header& original, std::string_view boundary,
                          bool eight_bit) {
  std::string out;
  out += message::write_date(report.at);
  out += fmt::format("From: Mail Delivery System <MAILER-DAEMON@{}>\r\n", plain(report.reporting_mta, true));
  out += fmt::format("To: <{}>\r\n", plain(report.to, true));
  out += message::write_unstructured("Subject", subject(report, original));
  out += fmt::format("Message-ID: <{}>\r\n", plain(report.message_id, false));
  out += thread_fields(original);
  // RFC 3834 5.2 with RFC 3464: a report answers a message, so other automatons must not answer it.
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  // RFC 2045 6.4: what encloses a part of 8-bit text says so itself.
  if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
  out += fmt::format("Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n", boundary);
  return out;
}

/// One body part; what is not ASCII goes as 8bit.
std::string part(std::string_view boundary, std::string_view type, std::string_view description,
                 std::string_view octets) {
  std::string out =
      fmt::format("\r\n--{}\r\nContent-Description: {}\r\nContent-Type: {}\r\n", boundary, description, type);
  if (!text::is_ascii(octets)) out += "Content-Transfer-Encoding: 8bit\r\n";
  out += "\r\n";
  out += octets;
  return out;
}

std::string text_part(std::string_view boundary, const std::string& words) {
  const bool ascii = text::is_ascii(words);
  return fmt::format(
      "\r\n--{}\r\nContent-Description: What happened\r\nContent-Type: text/plain; charset={}\r\n{}\r\n{}", boundary,
      ascii ? "us-ascii" : "utf-8", ascii ? "" : "Content-Transfer-Encoding: quoted-printable\r\n",
      ascii ? words : codec::quoted_printable_encode(words));
}

}  // namespace

std::string_view text(Action action) {
  switch (action) {
    case Action::failed:
      return "failed";
    case Action::delayed:
      return "delayed";
    case Action::delivered:
      return "delivered";
    case Action::relayed:
      return "relayed";
    case Action::expanded:
      return "expanded";
  }
  return "";
}

std::optional<Action> parse_action(std::string_view word) {
  for (const Action action : {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded})
    if (text::iequals(word, text(action))) return action;
  return std::nullopt;
}

WrittenReport write_report(const Report& report) {
  const message::Header original = message::Header::parse(report.original);
  const bool global = needs_global(report);
  const Returned returned = returned_part(report, original);
  const std::string words = human_text(report, returned.whole);
  const std::string status = delivery_status(report, global);
  const std::string boundary = choose_boundary(report, {words, status, returned.octets});
  const bool eight_bit = !text::is_ascii(status) || !text::is_ascii(returned.octets);
  const std::string header = report_header(report, original, boundary, eight_bit);

  WrittenReport written;
  written.octets = header + "\r\nThis is a delivery report in several parts.\r\n";
  written.octets += text_part(boundary, words);
  written.octets +=
      part(boundary, global ? "message/global-delivery-status" : "message/delivery-status", "Delivery report", status);
  written.octets +=
      part(boundary, returned.type, returned.whole ? "Your message" : "Header of your message", returned.octets);
  written.octets += fmt::format("\r\n--{}--\r\n", boundary);
  written.needs_8bitmime = !text::is_ascii(written.octets);
  written.needs_smtputf8 = !text::is_ascii(header);
  return written;
}

}  // namespace posthorn::dsn
