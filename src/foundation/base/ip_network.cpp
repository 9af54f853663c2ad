#include "foundation/base/ip_network.h"

#include <charconv>

namespace posthorn {

IpNetwork::IpNetwork(IpAddress address, unsigned prefix) : prefix_(prefix < address.bits() ? prefix : address.bits()) {
  address_ = address.network(prefix_);
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpNetwork(*address, address->bits());
  const auto digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  const bool has_leading_zero = digits.size() > 1 && digits[0] == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || has_leading_zero) return std::nullopt;
  if (prefix > address->bits()) return std::nullopt;
  return IpNetwork(*address, prefix);
}

std::string IpNetwork::text() const {
  return address_.text() + "/" + std::to_string(prefix_);
}

}  // namespace posthorn
