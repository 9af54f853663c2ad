// Sealing: octets kept secret and unchanged while they lie where others may read or write (AES-256-GCM, NIST SP
// 800-38D, through OpenSSL). What is sealed is bound to a context, the place it belongs to: moved elsewhere it does not
// open.
//
// Sealed form: version 1 (one octet), the key's id (4), the nonce (12), the ciphertext, the tag (16). Nonces are
// random; a key may seal 2^32 times (SP 800-38D 8.3), far beyond what a site seals in its life.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::crypto {

inline constexpr std::size_t sealing_key_octets = 32;
inline constexpr std::size_t sealed_overhead_octets = 1 + 4 + 12 + 16;

enum class SealError : unsigned char {
  not_sealed,  ///< too short, or of a form we do not know
  other_key,   ///< sealed with another key
  changed,     ///< the right key, but octets or context differ from what was sealed
};
[[nodiscard]] std::string_view text(SealError error);

/// A secret of 32 octets. Copies are wiped when they go.
class SealingKey {
 public:
  [[nodiscard]] static SealingKey generate();
  /// Octets of another length are `not_sealed`.
  [[nodiscard]] static Result<SealingKey, SealError> from_octets(Octets octets);
  SealingKey(const SealingKey&) = default;
  SealingKey& operator=(const SealingKey&) = default;
  ~SealingKey();

  /// The secret itself: for the file it is kept in.
  [[nodiscard]] Octets octets() const { return octets_; }
  /// Eight hexadecimal digits that name the key and tell nothing about it.
  [[nodiscard]] std::string id() const;

  [[nodiscard]] OctetString seal(Octets secret, std::string_view context) const;
  [[nodiscard]] Result<OctetString, SealError> open(Octets sealed, std::string_view context) const;

 private:
  explicit SealingKey(OctetString octets) : octets_(std::move(octets)) {}
  [[nodiscard]] OctetString id_octets() const;

  OctetString octets_;
};

}  // namespace posthorn::crypto
