#include "foundation/base/ip_address.h"

#include <algorithm>
#include <charconv>
#include <span>

#include <fmt/format.h>

namespace posthorn {
namespace {

constexpr int kHextets = 8;

/// A decimal number of one to three digits, at most 255, without leading zeros.
std::optional<std::uint8_t> parse_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 255) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

std::optional<std::uint16_t> parse_hextet(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Hextets {
  std::array<std::uint16_t, kHextets> values{};
  int count = 0;

  bool push(std::uint16_t value) {
    if (count == kHextets) return false;
    values[static_cast<std::size_t>(count++)] = value;
    return true;
  }
};

/// One side of "::": hextets between colons, the last of which may be a dotted quad where `tail` is set.
std::optional<Hextets> parse_hextets(std::string_view text, bool tail) {
  Hextets out;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view piece = text.substr(0, colon);
    if (tail && colon == std::string_view::npos && piece.find('.') != std::string_view::npos) {
      const auto v4 = IpAddress::parse_v4(piece);
      if (!v4) return std::nullopt;
      const auto o = v4->octets();
      const auto at = [&](std::size_t i) { return static_cast<std::uint16_t>(static_cast<std::uint8_t>(o[i])); };
      if (!out.push(static_cast<std::uint16_t>(at(0) << 8 | at(1)))) return std::nullopt;
      if (!out.push(static_cast<std::uint16_t>(at(2) << 8 | at(3)))) return std::nullopt;
      return out;
    }
    const auto value = parse_hextet(piece);
    if (!value || !out.push(*value)) return std::nullopt;
    if (colon == std::string_view::npos) return out;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // ends in a single colon
  }
  return out;
}

std::string dotted(std::span<const std::uint8_t, 16> octets) {
  std::array<char, 16> text{};
  char* end = text.data();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), octets[i]).ptr;
  }
  return {text.data(), end};
}

struct Prefix {
  IpAddress network;
  unsigned length;
};

bool in_any(const IpAddress& address, std::span<const Prefix> list) {
  return std::ranges::any_of(list, [&](const Prefix& p) { return address.in_network(p.network, p.length); });
}

Prefix prefix(std::string_view text, unsigned length) {
  return {*IpAddress::parse(text), length};
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
  IpAddress out;
  std::ranges::copy(octets, out.octets_.begin());
  return out;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> octets) {
  IpAddress out;
  out.family_ = Family::v6;
  out.octets_ = octets;
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

std::optional<IpAddress> IpAddress::parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto octet = parse_octet(text.substr(0, dot));
    if (!octet) return std::nullopt;
    octets[i] = *octet;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return v4(octets);
}

std::optional<IpAddress> IpAddress::parse_v6(std::string_view text) {
  constexpr std::size_t kLongest = 45;  // eight hextets with a dotted tail
  if (text.size() < 2 || text.size() > kLongest) return std::nullopt;
  const auto gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto head = parse_hextets(text.substr(0, gap), !has_gap);
  const auto tail = parse_hextets(has_gap ? text.substr(gap + 2) : std::string_view{}, true);
  if (!head || !tail) return std::nullopt;
  const int total = head->count + tail->count;
  if (has_gap ? total >= kHextets : total != kHextets) return std::nullopt;
  std::array<std::uint8_t, 16> octets{};
  const auto put = [&](int index, std::uint16_t value) {
    octets[static_cast<std::size_t>(2 * index)] = static_cast<std::uint8_t>(value >> 8);
    octets[static_cast<std::size_t>(2 * index + 1)] = static_cast<std::uint8_t>(value & 0xff);
  };
  for (int i = 0; i < head->count; ++i) put(i, head->values[static_cast<std::size_t>(i)]);
  for (int i = 0; i < tail->count; ++i) put(kHextets - tail->count + i, tail->values[static_cast<std::size_t>(i)]);
  return v6(octets);
}

std::string_view IpAddress::octets() const {
  return {reinterpret_cast<const char*>(octets_.data()), is_v4() ? std::size_t{4} : std::size_t{16}};
}

IpAddress IpAddress::unmapped() const {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (is_v4() || !std::equal(kMapped.begin(), kMapped.end(), octets_.begin())) return *this;
  return v4({octets_[12], octets_[13], octets_[14], octets_[15]});
}

IpAddress IpAddress::network(unsigned prefix) const {
  IpAddress out = *this;
  for (unsigned bit = 0; bit < bits(); bit += 8) {
    std::uint8_t& octet = out.octets_[bit / 8];
    if (prefix <= bit) octet = 0;
    if (prefix > bit && prefix < bit + 8) octet = static_cast<std::uint8_t>(octet & (0xff00U >> (prefix - bit)));
  }
  return out;
}

bool IpAddress::in_network(const IpAddress& other, unsigned prefix) const {
  return family_ == other.family_ && network(prefix) == other.network(prefix);
}

std::string IpAddress::text() const {
  if (is_v4()) return dotted(octets_);
  const auto hextet = [&](int i) {
    const auto at = static_cast<std::size_t>(2 * i);
    return static_cast<unsigned>(octets_[at] << 8 | octets_[at + 1]);
  };
  // RFC 5952 4.2: the longest run of two or more zero hextets, the first of equals.
  int best = -1;
  int best_length = 1;
  for (int i = 0; i < kHextets;) {
    int length = 0;
    while (i + length < kHextets && hextet(i + length) == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
    i += std::max(length, 1);
  }
  std::string out;
  for (int i = 0; i < kHextets;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    fmt::format_to(std::back_inserter(out), "{:x}", hextet(i));
    ++i;
  }
  return out;
}

std::string IpAddress::reverse_name() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}.in-addr.arpa", octets_[3], octets_[2], octets_[1], octets_[0]);
  std::string out;
  for (std::size_t i = 16; i-- > 0;)
    fmt::format_to(std::back_inserter(out), "{:x}.{:x}.", octets_[i] & 0xf, octets_[i] >> 4);
  return out + "ip6.arpa";
}

bool IpAddress::is_loopback() const {
  return is_v4() ? octets_[0] == 127 : text() == "::1";
}

bool IpAddress::is_documentation() const {
  static const std::array list{prefix("192.0.2.0", 24), prefix("198.51.100.0", 24), prefix("203.0.113.0", 24),
                               prefix("2001:db8::", 32), prefix("3fff::", 20)};
  return in_any(*this, list);
}

bool IpAddress::is_special() const {
  static const std::array list4{prefix("0.0.0.0", 8),    prefix("10.0.0.0", 8),     prefix("100.64.0.0", 10),
                                prefix("127.0.0.0", 8),  prefix("169.254.0.0", 16), prefix("172.16.0.0", 12),
                                prefix("192.0.0.0", 24), prefix("192.168.0.0", 16), prefix("198.18.0.0", 15),
                                prefix("224.0.0.0", 4),  prefix("240.0.0.0", 4)};
  // Everything outside 2000::/3 is unassigned, local or multicast (RFC 4291 2.4).
  static const std::array global{prefix("2000::", 3)};
  if (is_v6()) return !in_any(*this, global) && !is_documentation();
  return in_any(*this, list4);
}

}  // namespace posthorn
