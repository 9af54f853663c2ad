// Public-key signatures as mail uses them: RSASSA-PKCS1-v1_5 (RFC 8017 8.2) with SHA-256, and Ed25519 (RFC 8032,
// pure). SHA-1 is there to tell whether the mathematics of an rsa-sha1 signature held (RFC 8301 forbids using it);
// nothing here signs with it.
//
// Keys are values; copies share the key material, and const use from several threads at once is safe. Private key
// material is wiped by OpenSSL when the last copy goes. RSA keys are read from 512 to 4096 bits: what size is good
// enough is decided by the caller (dkim: 1024, RFC 8301 3.2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::crypto {

inline constexpr unsigned rsa_bits_min = 512;        // below, the number is no key (RFC 6376 3.3.3 never allowed it)
inline constexpr unsigned rsa_bits_max = 4096;       // RFC 8301 3.2: verifiers must handle up to 4096
inline constexpr unsigned rsa_sign_bits_min = 1024;  // RFC 8301 3.2: signers must use 1024 at least
inline constexpr std::size_t ed25519_key_octets = 32;
inline constexpr std::size_t ed25519_signature_octets = 64;

enum class KeyKind : unsigned char { rsa, ed25519 };
/// "rsa", "ed25519": the words of DKIM's k= tag.
[[nodiscard]] std::string_view text(KeyKind kind);

enum class SignatureHash : unsigned char { sha1, sha256 };

/// A hash over octets that come in pieces.
class SignatureDigest {
 public:
  explicit SignatureDigest(SignatureHash hash);
  ~SignatureDigest();
  SignatureDigest(SignatureDigest&&) noexcept;
  SignatureDigest& operator=(SignatureDigest&&) noexcept;

  void update(Octets octets);
  /// The digest of everything so far; the object starts anew.
  [[nodiscard]] OctetString finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class KeyError : unsigned char {
  not_a_key,         ///< not the DER, PEM or raw form asked for
  unsupported_kind,  ///< a key, but neither RSA nor Ed25519
  bad_size,          ///< RSA outside rsa_bits_min … rsa_bits_max, or an exponent that is even or below 3
  encrypted,         ///< a PEM file with a pass phrase
};
[[nodiscard]] std::string_view text(KeyError error);

class PublicKey {
 public:
  /// SubjectPublicKeyInfo (RFC 5280 4.1; what the world publishes), or a bare RSAPublicKey (RFC 6376 3.6.1 as
  /// written). Trailing octets are refused.
  [[nodiscard]] static Result<PublicKey, KeyError> from_der(Octets der);
  /// The 32 octets of RFC 8032.
  [[nodiscard]] static Result<PublicKey, KeyError> from_raw_ed25519(Octets octets);
  /// "-----BEGIN PUBLIC KEY-----".
  [[nodiscard]] static Result<PublicKey, KeyError> from_pem(std::string_view pem);

  [[nodiscard]] KeyKind kind() const;
  /// Size of the RSA modulus; 256 for Ed25519.
  [[nodiscard]] unsigned bits() const;
  /// SubjectPublicKeyInfo.
  [[nodiscard]] OctetString der() const;
  /// What DKIM publishes in p=: SubjectPublicKeyInfo for RSA, the raw 32 octets for Ed25519 (RFC 8463 3).
  [[nodiscard]] OctetString dkim_octets() const;

  /// Whether `signature` is this key's over a message whose hash is `digest`. RSA: `digest` goes into the PKCS#1
  /// DigestInfo. Ed25519: `digest` is the message that was signed (RFC 8463 3: the SHA-256 value), `hash` unused.
  [[nodiscard]] bool verify(SignatureHash hash, Octets digest, Octets signature) const;

  struct Material;
  explicit PublicKey(std::shared_ptr<const Material> material) : material_(std::move(material)) {}

 private:
  std::shared_ptr<const Material> material_;
};

class PrivateKey {
 public:
  /// `bits` from rsa_sign_bits_min to rsa_bits_max. Takes a tenth of a second and more: not on an event loop.
  [[nodiscard]] static Result<PrivateKey, KeyError> generate_rsa(unsigned bits);
  [[nodiscard]] static Result<PrivateKey, KeyError> generate_ed25519();
  /// PKCS#8 ("PRIVATE KEY") or PKCS#1 ("RSA PRIVATE KEY"), without a pass phrase.
  [[nodiscard]] static Result<PrivateKey, KeyError> from_pem(std::string_view pem);
  /// The 32-octet seed of RFC 8032.
  [[nodiscard]] static Result<PrivateKey, KeyError> from_raw_ed25519(Octets seed);

  [[nodiscard]] KeyKind kind() const;
  [[nodiscard]] unsigned bits() const;
  /// PKCS#8, unencrypted: a secret.
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] PublicKey public_key() const;
  /// RSA: PKCS#1 v1.5 over a SHA-256 digest. Ed25519: over the digest's octets themselves. Empty only if OpenSSL
  /// fails, which means this process is out of memory.
  [[nodiscard]] OctetString sign_sha256(Octets digest) const;

  struct Material;
  explicit PrivateKey(std::shared_ptr<const Material> material) : material_(std::move(material)) {}

 private:
  std::shared_ptr<const Material> material_;
};

}  // namespace posthorn::crypto
