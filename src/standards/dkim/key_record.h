// A DKIM key record (RFC 6376 3.6.1, RFC 8463 4): what stands in TXT at SELECTOR._domainkey.DOMAIN.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "foundation/crypto/signature.h"

namespace posthorn::dkim {

inline constexpr unsigned rsa_verify_bits_min = 1024;   // RFC 8301 3.2: shorter keys must not be accepted
inline constexpr unsigned rsa_recommended_bits = 2048;  // RFC 8301 3.2: signers should use this at least

struct KeyRecord {
  std::string kind_text = "rsa";         ///< k= as written
  std::optional<crypto::PublicKey> key;  ///< absent when revoked
  std::vector<std::string> hashes;       ///< h=; empty: every hash
  std::vector<std::string> services;     ///< s=; empty: every service
  std::vector<std::string> flags;        ///< t=
  std::string notes;                     ///< n=

  /// p= is empty: no signature with this selector is valid any more.
  [[nodiscard]] bool revoked() const { return !key; }
  /// t=y: the owner is testing; signatures are to be treated as if absent when they fail.
  [[nodiscard]] bool testing() const;
  /// t=s: i= must not be in a subdomain of d=.
  [[nodiscard]] bool strict_identity() const;
  [[nodiscard]] bool allows_hash(std::string_view name) const;
  /// RFC 6376 3.6.1 s=: "email", or "tlsrpt" for TLS reports (RFC 8460 5.3).
  [[nodiscard]] bool allows_service(std::string_view name) const;
};

struct KeyRecordError {
  std::string reason;
  /// The key kind is one we do not know: other records at the name may still serve.
  bool unknown_kind = false;
};

/// `text`: the record's strings joined.
[[nodiscard]] posthorn::Result<KeyRecord, KeyRecordError> parse_key_record(std::string_view text);
/// "v=DKIM1; k=rsa; p=…" as Posthorn publishes a key; k=rsa is left out only by other people.
[[nodiscard]] std::string key_record_text(const crypto::PublicKey& key);
/// The record in character-strings of at most 255 octets (RFC 1035 3.3).
[[nodiscard]] std::vector<std::string> txt_strings(std::string_view text);

struct KeyReview {
  bool valid = false;  ///< a verifier would use the key
  std::optional<KeyRecord> record;
  Findings findings;
};
[[nodiscard]] KeyReview review_key_record(std::string_view text);

}  // namespace posthorn::dkim
