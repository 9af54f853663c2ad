#include "standards/address/domain.h"

#include <cstdlib>

#include <idn2.h>

#include "foundation/text/ascii.h"
#include "standards/address/smtp_parse.h"

namespace posthorn::address {
namespace {

constexpr std::size_t label_octets_max = 63;  // RFC 1035 2.3.4

// sub-domain = Let-dig [Ldh-str]
bool is_ldh_label(std::string_view label) {
  if (label.empty() || !text::is_alnum(label.front()) || !text::is_alnum(label.back())) return false;
  for (const char c : label) {
    if (!text::is_alnum(c) && c != '-') return false;
  }
  return true;
}

// Domain = sub-domain *("." sub-domain)
Result<void, AddressError> check_ldh(std::string_view name) {
  if (name.size() > domain_octets_max) return fail(AddressError::domain_too_long);
  for (const auto label : text::split(name, '.')) {
    if (label.size() > label_octets_max) return fail(AddressError::domain_too_long);
    if (!is_ldh_label(label)) return fail(AddressError::domain_syntax);
  }
  return {};
}

// RFC 5891 5: lookup form, NFC first, without the transitional mapping that breaks "ß".
Result<std::string, AddressError> to_a_labels(std::string_view u_labels) {
  if (!text::is_utf8(u_labels)) return fail(AddressError::not_utf8);
  const std::string terminated(u_labels);
  char* result = nullptr;
  const int status = idn2_to_ascii_8z(terminated.c_str(), &result, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (status != IDN2_OK) {
    const bool too_long = status == IDN2_TOO_BIG_LABEL || status == IDN2_TOO_BIG_DOMAIN;
    return fail(too_long ? AddressError::domain_too_long : AddressError::domain_syntax);
  }
  std::string a_labels(result);
  idn2_free(result);
  return a_labels;
}

}  // namespace

std::string_view explain(AddressError error) {
  switch (error) {
    case AddressError::syntax:
      return "the address does not follow the grammar local-part@domain";
    case AddressError::domain_syntax:
      return "the part behind @ is no domain name";
    case AddressError::domain_too_long:
      return "the domain is longer than 255 octets or has a label longer than 63";
    case AddressError::local_part_too_long:
      return "the part before @ is longer than 64 octets";
    case AddressError::path_too_long:
      return "the path is too long";
    case AddressError::non_ascii:
      return "the address has characters outside ASCII, and SMTPUTF8 was not asked for";
    case AddressError::not_utf8:
      return "the address has octets that are not UTF-8";
    case AddressError::too_many:
      return "the list has too many addresses";
  }
  return "the address is not valid";
}

Result<Domain, AddressError> Domain::parse(std::string_view text) {
  // U-labels may be longer than their A-labels; four octets a character at most.
  if (text.size() > 4 * domain_octets_max) return fail(AddressError::domain_too_long);
  if (text::is_ascii(text)) {
    if (const auto checked = check_ldh(text); !checked) return fail(checked.error());
    return Domain(text::lower(text));
  }
  if (text.find('\0') != std::string_view::npos) return fail(AddressError::domain_syntax);
  auto a_labels = to_a_labels(text);
  if (!a_labels) return fail(a_labels.error());
  if (const auto checked = check_ldh(*a_labels); !checked) return fail(checked.error());
  return Domain(text::lower(*a_labels));
}

std::string Domain::u_label() const {
  if (a_label_.find("xn--") == std::string::npos) return a_label_;
  char* result = nullptr;
  if (idn2_to_unicode_8z8z(a_label_.c_str(), &result, 0) != IDN2_OK) return a_label_;
  std::string u_labels(result);
  idn2_free(result);
  // Fake A-labels decode to control characters and the like: only what converts back is shown decoded.
  const auto back = to_a_labels(u_labels);
  return back && *back == a_label_ ? u_labels : a_label_;
}

bool Domain::is_within(const Domain& ancestor) const {
  if (a_label_ == ancestor.a_label_) return true;
  return a_label_.size() > ancestor.a_label_.size() && a_label_.ends_with(ancestor.a_label_) &&
         a_label_[a_label_.size() - ancestor.a_label_.size() - 1] == '.';
}

// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]"; the tag is "IPv6:" in any case.
Result<AddressLiteral, AddressError> AddressLiteral::parse(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return fail(AddressError::domain_syntax);
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view tag = "IPv6:";
  const bool is_v6 = text::istarts_with(text, tag);
  if (is_v6) text.remove_prefix(tag.size());
  const auto address = IpAddress::parse(text);
  if (!address || address->is_v6() != is_v6) return fail(AddressError::domain_syntax);
  return AddressLiteral{*address};
}

std::string AddressLiteral::text() const {
  return (address.is_v6() ? "[IPv6:" : "[") + address.text() + "]";
}

}  // namespace posthorn::address
