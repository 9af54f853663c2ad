// IpNetwork: an address and a prefix length, as access lists and limits need it.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"

namespace posthorn {

class IpNetwork {
 public:
  IpNetwork() = default;
  /// Host bits are cleared; `prefix` above the address's bits is cut to them.
  IpNetwork(IpAddress address, unsigned prefix);
  /// "192.0.2.0/24", "2001:db8::/32", or an address alone, which is the network of itself.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] unsigned prefix() const { return prefix_; }
  /// False for an address of the other family.
  [[nodiscard]] bool contains(const IpAddress& address) const { return address.in_network(address_, prefix_); }
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpAddress address_;
  unsigned prefix_ = 0;
};

}  // namespace posthorn
