// Hashes and what is made of them, through OpenSSL. Digests are octet strings (32 octets for SHA-256).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace posthorn::crypto {

inline constexpr std::size_t sha256_size_octets = 32;
inline constexpr std::size_t sha512_size_octets = 64;

[[nodiscard]] std::string sha256(std::string_view octets);
[[nodiscard]] std::string sha512(std::string_view octets);
/// RFC 2104.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view octets);
/// RFC 8018 5.2 with HMAC-SHA-256; takes milliseconds by intent: call it on the worker pool.
[[nodiscard]] std::string pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations,
                                        std::size_t length_octets = sha256_size_octets);

/// SHA-256 over octets that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view octets);
  /// The digest of everything so far; the object starts anew.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// CRC-32C (Castagnoli, RFC 3720 B.4). Continue with the former value: crc32c(b, crc32c(a)) == crc32c(a + b).
[[nodiscard]] std::uint32_t crc32c(std::string_view octets, std::uint32_t crc = 0);

/// Compares without telling by its duration where the difference is. Lengths are not secret.
[[nodiscard]] bool constant_time_equals(std::string_view a, std::string_view b);

}  // namespace posthorn::crypto
