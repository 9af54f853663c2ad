#include "standards/dkim/algorithm.h"

namespace posthorn::dkim {

std::string_view text(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      return "rsa-sha256";
    case Algorithm::ed25519_sha256:
      return "ed25519-sha256";
    case Algorithm::rsa_sha1:
      break;
  }
  return "rsa-sha1";
}

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  for (const auto algorithm : {Algorithm::rsa_sha256, Algorithm::ed25519_sha256, Algorithm::rsa_sha1})
    if (dkim::text(algorithm) == text) return algorithm;
  return std::nullopt;
}

crypto::KeyKind key_kind(Algorithm algorithm) {
  return algorithm == Algorithm::ed25519_sha256 ? crypto::KeyKind::ed25519 : crypto::KeyKind::rsa;
}

crypto::SignatureHash hash_of(Algorithm algorithm) {
  return algorithm == Algorithm::rsa_sha1 ? crypto::SignatureHash::sha1 : crypto::SignatureHash::sha256;
}

std::string_view text(Canonicalization canonicalization) {
  return canonicalization == Canonicalization::simple ? "simple" : "relaxed";
}

namespace {

std::optional<Canonicalization> parse_canonicalization(std::string_view text) {
  if (text == "simple") return Canonicalization::simple;
  if (text == "relaxed") return Canonicalization::relaxed;
  return std::nullopt;
}

}  // namespace

std::optional<Canonicalizations> parse_canonicalizations(std::string_view text) {
  const auto slash = text.find('/');
  const auto header = parse_canonicalization(text.substr(0, slash));
  if (!header) return std::nullopt;
  if (slash == std::string_view::npos) return Canonicalizations{*header, Canonicalization::simple};
  const auto body = parse_canonicalization(text.substr(slash + 1));
  if (!body) return std::nullopt;
  return Canonicalizations{*header, *body};
}

}  // namespace posthorn::dkim
