// Writers of single header fields. Each returns a whole field with its CRLF, in lines of at most 78 octets where a
// fold is possible. Whatever the arguments hold (a HELO argument, an envelope address), the result is exactly one
// field: octets that could end a line or a comment are quoted, encoded or replaced by "?".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"
#include "foundation/base/time.h"

namespace posthorn::message {

inline constexpr std::size_t line_octets_preferred = 78;  // RFC 5322 2.1.1
inline constexpr std::size_t line_octets_max = 998;

/// "Date: Thu, 24 Dec 2026 08:00:00 +0000\r\n".
[[nodiscard]] std::string write_date(TimePoint at);
/// "Message-ID: <unique@domain>\r\n". `unique` is ours (an id's text); `domain` a host name in ASCII form.
[[nodiscard]] std::string write_message_id(std::string_view unique, std::string_view domain);
/// "Return-Path: <path>\r\n" (RFC 5321 4.4), `path` without brackets, empty for the null reverse-path.
[[nodiscard]] std::string write_return_path(std::string_view path);
/// "Delivered-To: mailbox\r\n" (RFC 9228).
[[nodiscard]] std::string write_delivered_to(std::string_view mailbox);
/// "Name: text\r\n", unstructured: folded, non-ASCII as RFC 2047 encoded-words.
[[nodiscard]] std::string write_unstructured(std::string_view name, std::string_view utf8_text);

/// What a Received line of ours says.
struct ReceivedTrace {
  std::string helo;                 ///< the EHLO/HELO argument as the client gave it, unverified
  std::optional<IpAddress> client;  ///< absent: no TCP client ("by" only, as for local submission)
  std::string client_name;          ///< verified reverse name; empty when there is none
  std::string by;                   ///< our host name
  std::string by_comment;           ///< put in a comment after `by`, e.g. "Posthorn"; may be empty
  std::string_view with = "ESMTP";  ///< smtp::with_protocol()
  std::string tls;                  ///< "TLS1.3 TLS_AES_128_GCM_SHA256"; empty: none; goes into a comment
  std::string id;                   ///< MailId text
  std::optional<std::string> for_;  ///< the forward-path without brackets, only where there is one recipient
  TimePoint at{};
};
/// RFC 5321 4.4: Received: from HELO (name [address]) by … with … id … for <…>; date.
[[nodiscard]] std::string write_received(const ReceivedTrace& trace);

/// A comment's inside (RFC 5322 3.2.2): parentheses and backslashes quoted, control octets replaced by "?".
[[nodiscard]] std::string comment_text(std::string_view text);

}  // namespace posthorn::message
