#include "standards/tls_rpt/uri.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/percent.h"
#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/address/mailbox.h"

namespace posthorn::tls_rpt {
namespace {

constexpr std::string_view kMailto = "mailto:";
constexpr std::string_view kHttps = "https://";

/// RFC 6068 2, one address.
bool is_mail_address(std::string_view rest) {
  const auto address = codec::percent_decode(rest.substr(0, rest.find('?')));
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
