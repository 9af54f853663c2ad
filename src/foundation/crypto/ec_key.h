// ECDSA P-256 keys for certificates and ACME: made, kept as PEM, used for ES256 (RFC 7518 3.4) and for certificate
// requests (RFC 2986). Values; copies share the key; const use from several threads is safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/crypto/signature.h"

namespace posthorn::crypto {

class EcKey {
 public:
  [[nodiscard]] static EcKey generate();
  [[nodiscard]] static Result<EcKey, KeyError> from_pem(std::string_view pem);
  /// PKCS#8, unencrypted: a secret.
  [[nodiscard]] std::string pem() const;

  /// The public point, 32 octets each (RFC 7518 6.2.1).
  struct Point {
    OctetString x, y;
  };
  [[nodiscard]] Point public_point() const;
  /// ES256: r and s, 64 octets.
  [[nodiscard]] OctetString sign_es256(Octets message) const;
  /// A certificate request for these DNS names, DER. The first is the subject where it fits (64 octets).
  [[nodiscard]] OctetString certificate_request(const std::vector<std::string>& names) const;

  struct Material;
  explicit EcKey(std::shared_ptr<const Material> material) : material_(std::move(material)) {}

 private:
  std::shared_ptr<const Material> material_;
};

}  // namespace posthorn::crypto
