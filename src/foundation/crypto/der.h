// Public keys in DER, read strictly and without allocation: what DNS records publish. OpenSSL's own decoder takes
// several times as long as the signature check that follows. Views point into the argument.
#pragma once

#include <optional>

#include "foundation/base/bytes.h"

namespace posthorn::crypto {

struct RsaPublicNumbers {
  Octets modulus;  ///< big-endian, without leading zero octets
  Octets exponent;
};
/// SubjectPublicKeyInfo with rsaEncryption (RFC 3279 2.3.1), or RSAPublicKey alone (RFC 8017 A.1.1).
[[nodiscard]] std::optional<RsaPublicNumbers> read_rsa_public_key(Octets der);
/// SubjectPublicKeyInfo with id-Ed25519 (RFC 8410 4): its 32 octets.
[[nodiscard]] std::optional<Octets> read_ed25519_public_key(Octets der);
/// Some SubjectPublicKeyInfo, of whatever algorithm.
[[nodiscard]] bool is_public_key_info(Octets der);

}  // namespace posthorn::crypto
