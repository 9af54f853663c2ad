// Delivery status notifications (RFC 3464, in the multipart/report of RFC 6522; internationalised: RFC 6533):
// what a report says, written and read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/base/time.h"

namespace posthorn::dsn {

/// RFC 3464 2.3.3.
enum class Action : unsigned char { failed, delayed, delivered, relayed, expanded };
[[nodiscard]] std::string_view text(Action action);
[[nodiscard]] std::optional<Action> parse_action(std::string_view text);

/// One recipient's lot, as the report's writer is told it.
struct RecipientReport {
  Action action = Action::failed;
  std::string final_recipient;  ///< mailbox, UTF-8 where it is internationalised
  /// ORCPT as it came with RCPT: "rfc822;user@example.com", still in xtext or utf-8-addr-xtext.
  std::optional<std::string> original_recipient;
  std::string status = "5.0.0";    ///< RFC 3463, "5.1.1"
  std::string remote_mta;          ///< host that said it; empty: it never came to a host, or we decided ourselves
  std::string diagnostic;          ///< its reply with the code, "550 5.1.1 no such user"; several lines joined by "\n"
  bool diagnostic_is_smtp = true;  ///< false: our own words (written as "x-posthorn")
  std::optional<TimePoint> last_attempt;
  std::optional<TimePoint> will_retry_until;  ///< for `delayed`
};

/// RET of RFC 3461 4.3.
enum class Return : unsigned char { headers, full };

inline constexpr std::size_t returned_message_octets_max = 100 * KiB;  // larger ones come back as headers only
inline constexpr std::size_t returned_header_octets_max = 64 * KiB;    // our bound; cut at a field's end

struct Report {
  std::string reporting_mta;               ///< our host name
  std::string to;                          ///< reverse-path of the message reported on
  std::optional<std::string> envelope_id;  ///< ENVID, xtext decoded
  std::optional<TimePoint> arrival_date;
  std::vector<RecipientReport> recipients;  ///< one at least; all of the same message
  std::string_view original;  ///< octets of the message, or of its header at least (the writer takes what RET allows)
  std::uint64_t original_octets = 0;  ///< size of the whole message, which may be more than is given
  Return returned = Return::headers;
  std::string message_id;  ///< of this report, without brackets
  TimePoint at{};
  std::string postmaster;  ///< whom a person may ask; empty: "postmaster@" + reporting_mta
};

/// A finished report and what it asks of its transport.
struct WrittenReport {
  std::string octets;  ///< the message with CRLF line ends; to be sent with the null reverse-path
  bool needs_8bitmime = false;
  bool needs_smtputf8 = false;
};
[[nodiscard]] WrittenReport write_report(const Report& report);

// ---- reading

/// Limits of what a report may make us keep.
inline constexpr std::size_t report_recipients_max = 10'000;

struct ParsedRecipient {
  std::string original_recipient, final_recipient;  ///< address alone, type and xtext taken off; empty when absent
  std::string action;                               ///< lower case
  std::string status;                               ///< "5.1.1"
  std::string remote_mta;                           ///< without its type
  std::string diagnostic_code;                      ///< without its type, unfolded
  std::optional<TimePoint> last_attempt, will_retry_until;
};
struct ReturnedMessage {
  std::string message_id, from, to, subject;  ///< decoded; empty when absent
};
struct ParsedReport {
  std::string reporting_mta;
  std::optional<TimePoint> arrival_date;
  std::string envelope_id;
  std::vector<ParsedRecipient> recipients;
  std::optional<ReturnedMessage> returned;
};
enum class ParseError : unsigned char {
  no_delivery_status,  ///< no message/delivery-status or message/global-delivery-status part
  no_recipients,       ///< the part names no recipient
};
[[nodiscard]] std::string_view text(ParseError error);
/// Tolerant: finds the delivery-status part anywhere in the message, whatever the outer type says; where there is
/// none, its fields standing in running text from a line "Reporting-MTA:" on.
[[nodiscard]] Result<ParsedReport, ParseError> parse_report(std::string_view message);

}  // namespace posthorn::dsn
