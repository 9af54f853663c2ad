#include "standards/tls_rpt/uri.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/address/mailbox.h"

namespace posthorn::tls_rpt {
namespace {

constexpr std::string_view kMailto = "mailto:";
constexpr std::string_view kHttps = "https://";

/// RFC 3986 2.1; nullopt where a "%" is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = digits.find(text::to_lower(text[i + 1])), low = digits.find(text::to_lower(text[i + 2]));
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// RFC 6068 2, one address.
bool is_mail_address(std::string_view rest) {
  const auto address = percent_decoded(rest.substr(0, rest.find('?')));
  return address && address::Mailbox::parse(*address).has_value();
}

bool is_host_and_path(std::string_view rest) {
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto colon = authority.find(':');
  if (colon != std::string_view::npos && !text::parse_number(authority.substr(colon + 1))) return false;
  return address::Domain::parse(authority.substr(0, colon)).has_value();
}

}  // namespace

std::string why_no_destination(std::string_view uri) {
  const std::string shown = text::printable(uri, 80);
  if (uri.empty()) return "an address in rua= is empty";
  // RFC 8460 3: "," "!" and ";" must be encoded, and "!" once carried a size.
  if (!std::ranges::all_of(uri, text::is_visible) || uri.contains('!')) return fmt::format("\"{}\" is no URI", shown);
  if (text::istarts_with(uri, kMailto))
    return is_mail_address(uri.substr(kMailto.size())) ? "" : fmt::format("\"{}\" names no mailbox", shown);
  if (text::istarts_with(uri, kHttps))
    return is_host_and_path(uri.substr(kHttps.size())) ? "" : fmt::format("\"{}\" names no host", shown);
  return fmt::format("\"{}\" is neither mailto: nor https:", shown);
}

}  // namespace posthorn::tls_rpt
