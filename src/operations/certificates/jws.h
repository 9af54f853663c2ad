// JSON Web Signatures as ACME asks for them (RFC 8555 6.2, RFC 7515): flattened JSON, ES256, with the account's URL or,
// before there is one, its public key. Pure.
#pragma once

#include <string>
#include <string_view>

#include "foundation/crypto/ec_key.h"

namespace posthorn::certificates {

/// RFC 4648 5 without padding (RFC 7515 2).
[[nodiscard]] std::string base64url(std::string_view octets);
/// RFC 7638: the hash of the public key in its canonical form, in base64url.
[[nodiscard]] std::string thumbprint(const crypto::EcKey& key);
/// RFC 8555 8.1: what proves that whoever serves it holds the account's key.
[[nodiscard]] std::string key_authorization(std::string_view token, const crypto::EcKey& key);

/// What the protected header says.
struct JwsHeader {
  std::string url;
  std::string nonce;
  std::string account;  ///< kid; empty: the public key itself (newAccount)
};
/// `payload`: JSON text; empty for POST-as-GET (RFC 8555 6.3).
[[nodiscard]] std::string sign_jws(const crypto::EcKey& key, const JwsHeader& header, std::string_view payload);

}  // namespace posthorn::certificates
