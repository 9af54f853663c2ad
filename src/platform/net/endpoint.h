// Endpoint: an IP address and a port.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"

namespace posthorn::net {

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:25", "[2001:db8::1]:25".
  [[nodiscard]] std::string text() const;
  /// The same; also ":25" for every IPv4 address. nullopt for anything else (no names, no services).
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace posthorn::net
