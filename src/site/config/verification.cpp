#include "site/config/verification.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"

namespace posthorn::config {
namespace {

template <class T, std::size_t N>
std::optional<T> parse_word(const std::array<std::string_view, N>& words, std::string_view text) {
  const auto at = std::ranges::find(words, text);
  if (at == words.end()) return std::nullopt;
  return static_cast<T>(at - words.begin());
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Network{*address, address->bits()};
  const auto prefix = text::parse_number(text.substr(slash + 1));
  if (!prefix || *prefix > address->bits()) return std::nullopt;
  return Network{*address, static_cast<unsigned>(*prefix)};
}

}  // namespace

std::string_view text(DmarcHandling handling) {
  return dmarc_handling_words[static_cast<std::size_t>(handling)];
}
std::optional<DmarcHandling> parse_dmarc_handling(std::string_view text) {
  return parse_word<DmarcHandling>(dmarc_handling_words, text);
}
std::string_view text(DnsFailure failure) {
  return dns_failure_words[static_cast<std::size_t>(failure)];
}
std::optional<DnsFailure> parse_dns_failure(std::string_view text) {
  return parse_word<DnsFailure>(dns_failure_words, text);
}
std::string_view text(Refusal refusal) {
  return refusal_words[static_cast<std::size_t>(refusal)];
}
std::optional<Refusal> parse_refusal(std::string_view text) {
  return parse_word<Refusal>(refusal_words, text);
}

std::string text(const Forwarder& forwarder) {
  if (const auto* domain = std::get_if<std::string>(&forwarder)) return *domain;
  const auto& network = std::get<Network>(forwarder);
  if (network.prefix == network.address.bits()) return network.address.text();
  return fmt::format("{}/{}", network.address.text(), network.prefix);
}

std::optional<Forwarder> parse_forwarder(std::string_view text) {
  if (const auto network = parse_network(text)) return *network;
  const auto domain = address::Domain::parse(text);
  if (!domain || domain->a_label().find('.') == std::string::npos) return std::nullopt;
  return text::lower(domain->a_label());
}

}  // namespace posthorn::config
