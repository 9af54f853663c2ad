// Typed addresses of ORCPT and of the recipient fields: "rfc822;user@example.com", "utf-8;…" (RFC 3461 4.2,
// RFC 3464 2.1.1, RFC 6533 3).
#pragma once

#include <string>
#include <string_view>

namespace posthorn::dsn {

struct TypedAddress {
  std::string type;     ///< lower case; empty where there was none
  std::string address;  ///< UTF-8, all encodings taken off
};
/// An ORCPT value: type ";" xtext, for type utf-8 also utf-8-addr-xtext ("\x{HEX}").
[[nodiscard]] TypedAddress parse_orcpt(std::string_view text);
/// A field of a report: type ";" text, angle brackets and comments of the careless taken off.
[[nodiscard]] TypedAddress parse_recipient_field(std::string_view value);

}  // namespace posthorn::dsn
