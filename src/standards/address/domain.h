// Domain: the name of a mail domain or host, in one canonical form. AddressLiteral: an IP address in its place.
// Made only by parsing. IDNA 2008 through libidn2 (RFC 5890–5892, RFC 6531 3.2).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"

namespace posthorn::address {

enum class AddressError : unsigned char {
  syntax,               ///< does not follow the grammar
  domain_syntax,        ///< the domain part does not
  domain_too_long,      ///< RFC 5321 4.5.3.1.2: 255 octets, RFC 1035: 63 a label
  local_part_too_long,  ///< RFC 5321 4.5.3.1.1: 64 octets
  path_too_long,        ///< RFC 5321 4.5.3.1.3: 256 octets
  non_ascii,            ///< an internationalized address where SMTPUTF8 was not agreed
  not_utf8,             ///< octets above 127 that are not UTF-8
  too_many,             ///< a list longer than the limit given
};
/// In words for a reply or a log: "the domain has a label longer than 63 octets".
[[nodiscard]] std::string_view explain(AddressError error);

class Domain {
 public:
  /// A-labels or U-labels, any case, no root dot at the end. LDH labels only (RFC 5321 Domain with RFC 6531).
  /// One label is enough ("localhost").
  [[nodiscard]] static Result<Domain, AddressError> parse(std::string_view text);

  /// Canonical: lower case, A-labels ("xn--…"). What is compared, stored, looked up and signed with.
  [[nodiscard]] const std::string& a_label() const { return a_label_; }
  /// For display and SMTPUTF8 text; the A-label form where it does not convert.
  [[nodiscard]] std::string u_label() const;
  /// Same domain or below it.
  [[nodiscard]] bool is_within(const Domain& ancestor) const;

  friend auto operator<=>(const Domain&, const Domain&) = default;

 private:
  explicit Domain(std::string a_label) : a_label_(std::move(a_label)) {}
  std::string a_label_;
};

/// "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3); the General-address-literal is refused, since no
/// tag but IPv6 was ever registered.
struct AddressLiteral {
  IpAddress address;

  /// `text` with its brackets.
  [[nodiscard]] static Result<AddressLiteral, AddressError> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const AddressLiteral&, const AddressLiteral&) = default;
};

}  // namespace posthorn::address

template <>
struct std::hash<posthorn::address::Domain> {
  std::size_t operator()(const posthorn::address::Domain& domain) const noexcept {
    return std::hash<std::string>{}(domain.a_label());
  }
};
