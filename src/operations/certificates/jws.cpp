#include "operations/certificates/jws.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/crypto/hash.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

/// RFC 7638 3.2: the required members in the order of their names, without white space.
std::string public_jwk(const crypto::EcKey& key) {
  const crypto::EcKey::Point point = key.public_point();
  return fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", base64url(point.x), base64url(point.y));
}

}  // namespace

std::string base64url(std::string_view octets) {
  std::string text = codec::base64_encode(octets);
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string thumbprint(const crypto::EcKey& key) {
  return base64url(crypto::sha256(public_jwk(key)));
}

std::string key_authorization(std::string_view token, const crypto::EcKey& key) {
  return fmt::format("{}.{}", token, thumbprint(key));
}

std::string sign_jws(const crypto::EcKey& key, const JwsHeader& header, std::string_view payload) {
  json::object fields{{"alg", "ES256"}, {"nonce", header.nonce}, {"url", header.url}};
  if (header.account.empty()) {
    fields["jwk"] = json::parse(public_jwk(key));
  } else {
    fields["kid"] = header.account;
  }
  const std::string protected_part = base64url(json::serialize(fields));
  const std::string payload_part = base64url(payload);
  const std::string signature = base64url(key.sign_es256(protected_part + "." + payload_part));
  return json::serialize(
      json::object{{"protected", protected_part}, {"payload", payload_part}, {"signature", signature}});
}

}  // namespace posthorn::certificates
