#include "platform/net/endpoint.h"

#include <charconv>

#include <fmt/format.h>

namespace posthorn::net {

std::string Endpoint::text() const {
  return address.is_v6() ? fmt::format("[{}]:{}", address.text(), port) : fmt::format("{}:{}", address.text(), port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  Endpoint endpoint;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return endpoint;
  const auto address = bracketed ? IpAddress::parse_v6(host) : IpAddress::parse_v4(host);
  if (!address) return std::nullopt;
  endpoint.address = *address;
  return endpoint;
}

}  // namespace posthorn::net
