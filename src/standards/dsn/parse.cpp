// Reading delivery status notifications (RFC 3464 2, RFC 6533 4).
#include "foundation/text/ascii.h"
#include "standards/dsn/dsn.h"
#include "standards/dsn/recipient_address.h"
#include "standards/message/date_time.h"
#include "standards/message/encoded_word.h"
#include "standards/message/message_id.h"
#include "standards/message/mime.h"

namespace posthorn::dsn {
namespace {

bool is_delivery_status(const message::Part& part) {
  return part.content_type.value == "message/delivery-status" ||
         part.content_type.value == "message/global-delivery-status";
}

bool is_returned_header(const message::Part& part) {
  return part.content_type.value == "text/rfc822-headers" || part.content_type.value == "message/rfc822-headers" ||
         part.content_type.value == "message/global-headers";
}

/// The value of a field without "type;" (Remote-MTA, Diagnostic-Code).
std::string untyped(const std::string& value) {
  const auto semicolon = value.find(';');
  const bool typed = semicolon != std::string::npos && value.find_first_of(" \t") >= semicolon;
  return std::string{text::trim(typed ? std::string_view{value}.substr(semicolon + 1) : value)};
}

/// status-code (RFC 3464 2.3.4) without the comment some put after it.
std::string status_code(const std::string& value) {
  const std::string_view word = text::trim(value);
  return std::string{word.substr(0, word.find_first_of(" \t(;"))};
}

std::optional<TimePoint> date_of(const message::Header& fields, std::string_view name) {
  const auto field = fields.first(name);
  const auto date = field ? message::parse_date_time(field->value) : std::nullopt;
  return date ? std::optional{date->at} : std::nullopt;
}

ParsedRecipient read_recipient(const message::Header& fields) {
  ParsedRecipient recipient;
  recipient.final_recipient = parse_recipient_field(fields.value("Final-Recipient").value_or("")).address;
  recipient.original_recipient = parse_recipient_field(fields.value("Original-Recipient").value_or("")).address;
  recipient.action = text::lower(status_code(fields.value("Action").value_or("")));
  recipient.status = status_code(fields.value("Status").value_or(""));
  recipient.remote_mta = untyped(fields.value("Remote-MTA").value_or(""));
  recipient.diagnostic_code = untyped(fields.value("Diagnostic-Code").value_or(""));
  recipient.last_attempt = date_of(fields, "Last-Attempt-Date");
  recipient.will_retry_until = date_of(fields, "Will-Retry-Until");
  return recipient;
}

void read_message_fields(const message::Header& fields, ParsedReport& report) {
  if (report.reporting_mta.empty()) report.reporting_mta = untyped(fields.value("Reporting-MTA").value_or(""));
  if (report.envelope_id.empty()) report.envelope_id = fields.value("Original-Envelope-Id").value_or("");
  if (!report.arrival_date) report.arrival_date = date_of(fields, "Arrival-Date");
}

/// per-message-fields 1*( CRLF per-recipient-fields ): groups of fields with empty lines between them. Some leave
/// the empty line after the first group out, some write text between groups.
void read_groups(std::string_view body, ParsedReport& report) {
  while (!body.empty() && report.recipients.size() < report_recipients_max) {
    const message::Header fields = message::Header::parse(body);
    std::size_t taken = fields.body_offset();
    if (fields.missing_separator()) {
      const auto line_end = body.find('\n', taken);
      taken = line_end == std::string_view::npos ? body.size() : line_end + 1;
    }
    read_message_fields(fields, report);
    if (fields.first("Final-Recipient") || fields.first("Original-Recipient"))
      report.recipients.push_back(read_recipient(fields));
    if (fields.overflowed()) return;
    body.remove_prefix(taken);
  }
}

/// Where a report stands in running text: some gateways take the MIME structure away, or break its boundaries.
std::optional<std::size_t> find_loose_fields(std::string_view body) {
  for (std::size_t line = 0; line < body.size();) {
    const std::string_view rest = body.substr(line);
    if (text::istarts_with(rest, "Reporting-MTA:")) return line;
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    line += end + 1;
  }
  return std::nullopt;
}

ParsedReport read_loose_report(const message::PartTree& tree, std::string_view message) {
  ParsedReport report;
  for (const message::Part& part : tree.parts) {
    if (!part.children.empty() || !(part.is_text() || part.is_multipart())) continue;
    const std::string body = message::decode_body(message::body_of(part, message), part.encoding);
    const auto begin = find_loose_fields(body);
    if (!begin) continue;
    read_groups(std::string_view{body}.substr(*begin), report);
    if (!report.recipients.empty()) break;
  }
  return report;
}

ReturnedMessage read_returned(const message::Header& header) {
  const auto decoded = [&header](std::string_view name) {
    return message::decode_encoded_words(header.value(name).value_or(""));
  };
  ReturnedMessage returned;
  returned.message_id = message::parse_message_id(header.value("Message-ID").value_or("")).value_or("");
  returned.from = decoded("From");
  returned.to = decoded("To");
  returned.subject = decoded("Subject");
  return returned;
}

std::optional<ReturnedMessage> find_returned(const message::PartTree& tree, std::size_t status_part,
                                             std::string_view message) {
  const auto parent = tree.parts[status_part].parent;
  for (std::size_t i = 1; i < tree.parts.size(); ++i) {
    const message::Part& part = tree.parts[i];
    if (part.parent != parent || i == status_part) continue;
    if (part.is_message()) return read_returned(tree.parts[part.children.front()].header);
    if (is_returned_header(part) || part.content_type.value == "message/global")
      return read_returned(
          message::Header::parse(message::decode_body(message::body_of(part, message), part.encoding)));
  }
  return std::nullopt;
}

}  // namespace

std::string_view text(ParseError error) {
  switch (error) {
    case ParseError::no_delivery_status:
      return "the message has no delivery-status part";
    case ParseError::no_recipients:
      return "the delivery-status part names no recipient";
  }
  return "";
}

Result<ParsedReport, ParseError> parse_report(std::string_view message) {
  const message::PartTree tree = message::parse_mime(message);
  const auto found = std::ranges::find_if(tree.parts, is_delivery_status);
  if (found == tree.parts.end()) {
    ParsedReport loose = read_loose_report(tree, message);
    if (loose.recipients.empty()) return fail(ParseError::no_delivery_status);
    return loose;
  }
  ParsedReport report;
  read_groups(message::decode_body(message::body_of(*found, message), found->encoding), report);
  if (report.recipients.empty()) return fail(ParseError::no_recipients);
  report.returned = find_returned(tree, static_cast<std::size_t>(found - tree.parts.begin()), message);
  return report;
}

}  // namespace posthorn::dsn
