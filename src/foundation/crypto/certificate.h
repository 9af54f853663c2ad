// X.509 certificates as DANE and the checks of mail hosts read them: facts, public key, names, chain building.
//
// A Certificate is a value; copies share the octets. Thread-safe for const use. Nothing here asks for the time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/base/time.h"

namespace posthorn::crypto {

inline constexpr std::size_t chain_certificates_max = 20;        // ours: longer chains are no chains
inline constexpr std::size_t certificate_octets_max = 64 * KiB;  // ours

class Certificate {
 public:
  /// The error says why it is none.
  [[nodiscard]] static Result<Certificate, std::string> from_der(Octets der);
  /// Every certificate of a PEM file, in its order, at most chain_certificates_max.
  [[nodiscard]] static Result<std::vector<Certificate>, std::string> from_pem(std::string_view pem);

  [[nodiscard]] const OctetString& der() const;
  /// SubjectPublicKeyInfo, DER: what selector 1 of TLSA is about.
  [[nodiscard]] OctetString public_key_der() const;
  [[nodiscard]] const std::vector<std::string>& names() const;  ///< dNSName of the subjectAltName, as written
  [[nodiscard]] std::string subject() const;
  [[nodiscard]] std::string issuer() const;
  [[nodiscard]] std::string key_type() const;  ///< "ECDSA P-256", "RSA 2048", "Ed25519"
  [[nodiscard]] TimePoint not_before() const;
  [[nodiscard]] TimePoint not_after() const;
  [[nodiscard]] bool is_valid_at(TimePoint now) const { return not_before() <= now && now <= not_after(); }
  /// RFC 9525 6.3: a dNSName of the subjectAltName is this host; wildcards as the whole leftmost label only; never
  /// the subject's common name.
  [[nodiscard]] bool fits(std::string_view host) const;

  struct Material;
  explicit Certificate(std::shared_ptr<const Material> material) : material_(std::move(material)) {}
  [[nodiscard]] const Material& material() const { return *material_; }

 private:
  std::shared_ptr<const Material> material_;
};

/// What chains are checked against.
struct ChainAnchors {
  std::vector<Certificate> certificates;  ///< trusted as they are, self-signed or not (RFC 5280 6.1.1 d)
  std::vector<OctetString> public_keys;   ///< SubjectPublicKeyInfo: who is signed by one is trusted
};

/// Whether a chain holds.
struct ChainVerdict {
  bool trusted = false;
  bool by_dates = false;  ///< it fails only because something is not yet or no longer valid
  std::size_t depth = 0;  ///< of the anchor in the chain that was built; 0: the leaf itself
  std::string reason;     ///< in words; empty where it is trusted
};

/// Whether `chain` (leaf first) leads to an anchor, for a TLS server (RFC 5280 6). Without `now` dates are not checked.
[[nodiscard]] ChainVerdict verify_to_anchors(const std::vector<Certificate>& chain, const ChainAnchors& anchors,
                                             std::optional<TimePoint> now);

/// Trusted roots, read once. Copies share them; thread-safe.
class TrustStore {
 public:
  /// Those of `ca_pem` (PEM text; may be empty) and, where `use_system`, the machine's.
  [[nodiscard]] static Result<TrustStore, std::string> make(std::string_view ca_pem, bool use_system);
  [[nodiscard]] ChainVerdict verify(const std::vector<Certificate>& chain, std::optional<TimePoint> now) const;

  struct Roots;

 private:
  std::shared_ptr<const Roots> roots_;
};

}  // namespace posthorn::crypto
