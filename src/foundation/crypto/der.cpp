#include "foundation/crypto/der.h"

#include <string_view>

namespace posthorn::crypto {
namespace {

using namespace std::string_view_literals;

constexpr unsigned char kInteger = 0x02;
constexpr unsigned char kBitString = 0x03;
constexpr unsigned char kObjectIdentifier = 0x06;
constexpr unsigned char kSequence = 0x30;
constexpr auto kRsaEncryption = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"sv;  // 1.2.840.113549.1.1.1
constexpr auto kEd25519 = "\x2b\x65\x70"sv;                                // 1.3.101.112

/// Takes one element with `tag` off the front of `der`; its contents.
std::optional<Octets> take(Octets& der, unsigned char tag) {
  if (der.size() < 2 || static_cast<unsigned char>(der[0]) != tag) return std::nullopt;
  std::size_t length = static_cast<unsigned char>(der[1]);
  std::size_t at = 2;
  if (length >= 0x80) {
    const std::size_t count = length & 0x7f;  // X.690 8.1.3.5: the long form
    if (count == 0 || count > 2 || der.size() < at + count) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | static_cast<unsigned char>(der[at++]);
    if (length < 0x80) return std::nullopt;  // X.690 10.1: the shortest form
  }
  if (der.size() - at < length) return std::nullopt;
  const Octets contents = der.substr(at, length);
  der.remove_prefix(at + length);
  return contents;
}

/// A positive INTEGER without its leading zero octet.
std::optional<Octets> take_positive(Octets& der) {
  auto value = take(der, kInteger);
  if (!value || value->empty() || (static_cast<unsigned char>((*value)[0]) & 0x80) != 0) return std::nullopt;
  while (!value->empty() && (*value)[0] == '\0') value->remove_prefix(1);
  if (value->empty()) return std::nullopt;
  return value;
}

std::optional<RsaPublicNumbers> read_numbers(Octets der) {
  auto sequence = take(der, kSequence);
  if (!sequence || !der.empty()) return std::nullopt;
  const auto modulus = take_positive(*sequence);
  if (!modulus) return std::nullopt;
  const auto exponent = take_positive(*sequence);
  if (!exponent || !sequence->empty()) return std::nullopt;
  return RsaPublicNumbers{*modulus, *exponent};
}

struct PublicKeyInfo {
  Octets algorithm;
  Octets key;
};

std::optional<PublicKeyInfo> read_info(Octets der) {
  auto sequence = take(der, kSequence);
  if (!sequence || !der.empty()) return std::nullopt;
  auto algorithm = take(*sequence, kSequence);
  if (!algorithm) return std::nullopt;
  const auto identifier = take(*algorithm, kObjectIdentifier);
  const auto bits = take(*sequence, kBitString);
  if (!identifier || !bits || bits->empty() || (*bits)[0] != '\0' || !sequence->empty()) return std::nullopt;
  return PublicKeyInfo{*identifier, bits->substr(1)};
}

}  // namespace

std::optional<RsaPublicNumbers> read_rsa_public_key(Octets der) {
  if (const auto info = read_info(der)) {
    if (info->algorithm != kRsaEncryption) return std::nullopt;
    return read_numbers(info->key);
  }
  return read_numbers(der);
}

std::optional<Octets> read_ed25519_public_key(Octets der) {
  const auto info = read_info(der);
  if (!info || info->algorithm != kEd25519) return std::nullopt;
  return info->key;
}

bool is_public_key_info(Octets der) {
  return read_info(der).has_value();
}

}  // namespace posthorn::crypto
