// IpAddress: an IPv4 or IPv6 address as a value, without sockets. Parsing is strict: no zone ids, no octal,
// no short IPv4 forms. Sixteen octets in network order; IPv4 stands in the first four.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn {

class IpAddress {
 public:
  /// 0.0.0.0.
  IpAddress() = default;

  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> octets);
  [[nodiscard]] static IpAddress v6(std::array<std::uint8_t, 16> octets);
  /// Dotted quad, or RFC 4291 2.2 text with or without "::" and a dotted tail. nullopt for anything else.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] static std::optional<IpAddress> parse_v4(std::string_view text);
  [[nodiscard]] static std::optional<IpAddress> parse_v6(std::string_view text);

  [[nodiscard]] bool is_v4() const { return family_ == Family::v4; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::v6; }
  /// 32 or 128.
  [[nodiscard]] unsigned bits() const { return is_v4() ? 32 : 128; }
  /// Four octets of an IPv4 address or sixteen of an IPv6 one, in network order.
  [[nodiscard]] std::string_view octets() const;

  /// The IPv4 address inside ::ffff:0:0/96 (what a dual-stack socket reports), else the address itself.
  [[nodiscard]] IpAddress unmapped() const;
  /// The address with every bit after `prefix` cleared.
  [[nodiscard]] IpAddress network(unsigned prefix) const;
  /// Whether the first `prefix` bits are those of `other`; false where the families differ.
  [[nodiscard]] bool in_network(const IpAddress& other, unsigned prefix) const;

  /// Dotted quad, or RFC 5952 text (lower case, the longest run of zeros as "::").
  [[nodiscard]] std::string text() const;
  /// The name its PTR records stand at, without a final dot: "1.2.0.192.in-addr.arpa" (RFC 1035 3.5,
  /// RFC 3596 2.5).
  [[nodiscard]] std::string reverse_name() const;

  /// An address that no host of the public Internet has: private, loopback, link-local, shared, multicast,
  /// reserved (RFC 6890 and the IANA special-purpose registries). Documentation addresses count as public,
  /// so that examples behave as real ones; is_documentation() tells them apart.
  [[nodiscard]] bool is_special() const;
  [[nodiscard]] bool is_documentation() const;
  [[nodiscard]] bool is_loopback() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  enum class Family : std::uint8_t { v4, v6 };
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> octets_{};
};

}  // namespace posthorn
