// Authentication-Results (RFC 8601): what a trusted host found out about a message, in a header field.
//
// write() makes one field of ours whatever its arguments hold: a selector, an envelope address or a reason with
// quotes, semicolons or line ends cannot add a result or a field. parse() reads anybody's field, trusted or not;
// whom to believe is the caller's question (RFC 8601 4.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::authentication_results {

inline constexpr std::string_view field_name = "Authentication-Results";
inline constexpr std::size_t field_octets_max = 64 * KiB;  // ours: longer fields are not parsed
inline constexpr std::size_t results_max = 200;            // ours
inline constexpr std::size_t properties_max = 50;          // ours, a result
inline constexpr std::size_t value_octets_max =
    400;  // ours: what write() lets into one value, so that a line stays under 998

/// "header.d=example.net": ptype, property and value (RFC 8601 2.2).
struct Property {
  std::string ptype;
  std::string property;
  std::string value;  ///< without quotes
  friend bool operator==(const Property&, const Property&) = default;
};

struct MethodResult {
  std::string method;    ///< lower case: "dkim"
  unsigned version = 1;  ///< of the method
  std::string result;    ///< lower case: "pass"
  std::string reason;    ///< empty where there is none
  std::vector<Property> properties;
  /// A comment after the result, "(2048-bit key)". Written, and kept by parse() where it stands right there.
  std::string comment;

  /// The first property "ptype.property"; empty where it is absent.
  [[nodiscard]] std::string_view value(std::string_view ptype, std::string_view property) const;
  friend bool operator==(const MethodResult&, const MethodResult&) = default;
};

struct AuthenticationResults {
  std::string authserv_id;
  unsigned version = 1;
  std::vector<MethodResult> results;  ///< empty: "none"
  friend bool operator==(const AuthenticationResults&, const AuthenticationResults&) = default;
};

struct ParseError {
  std::string reason;
  std::size_t offset = 0;  ///< where in the value
};

/// `value`: what stands after the colon, folded or not.
[[nodiscard]] Result<AuthenticationResults, ParseError> parse(Octets value);

/// What stands after the colon, on one line: "mx.example.org; spf=pass smtp.mailfrom=example.net; …".
[[nodiscard]] std::string value_text(const AuthenticationResults& results);
/// The same folded, a result a line: "mx.example.org;\r\n\tspf=pass …".
[[nodiscard]] std::string folded_value_text(const AuthenticationResults& results);
/// The whole field, folded, with its CRLF.
[[nodiscard]] std::string write(const AuthenticationResults& results);

/// RFC 8601 5: whether the field claims to be from `authserv_id`. True also for fields that do not parse but whose
/// id, with comments, quotes and a final dot taken off, is ours in any case, whatever version follows.
[[nodiscard]] bool claims_authserv_id(Octets value, std::string_view authserv_id);

}  // namespace posthorn::authentication_results
