// The algorithms and canonical forms that DKIM and ARC signatures name.
#pragma once

#include <optional>
#include <string_view>

#include "foundation/crypto/signature.h"

namespace posthorn::dkim {

enum class Algorithm : unsigned char {
  rsa_sha256,
  ed25519_sha256,  ///< RFC 8463
  rsa_sha1,        ///< RFC 8301: never valid; kept so that the mathematics can be told
};
[[nodiscard]] std::string_view text(Algorithm algorithm);
/// Exactly as the standard writes them: values are case-sensitive (RFC 6376 3.2).
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view text);
[[nodiscard]] crypto::KeyKind key_kind(Algorithm algorithm);
[[nodiscard]] crypto::SignatureHash hash_of(Algorithm algorithm);

enum class Canonicalization : unsigned char { simple, relaxed };
[[nodiscard]] std::string_view text(Canonicalization canonicalization);

struct Canonicalizations {
  Canonicalization header = Canonicalization::simple;
  Canonicalization body = Canonicalization::simple;
  friend bool operator==(const Canonicalizations&, const Canonicalizations&) = default;
};
/// c= (RFC 6376 3.5): "relaxed/simple"; one word alone means that header form with a simple body.
[[nodiscard]] std::optional<Canonicalizations> parse_canonicalizations(std::string_view text);

}  // namespace posthorn::dkim
