#include "standards/sasl/mechanism.h"

#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"

namespace posthorn::sasl {
namespace {

struct Row {
  Mechanism mechanism;
  std::string_view name;
};
constexpr Row rows[] = {
    {Mechanism::plain, "PLAIN"},
    {Mechanism::login, "LOGIN"},
    {Mechanism::scram_sha_256, "SCRAM-SHA-256"},
    {Mechanism::scram_sha_256_plus, "SCRAM-SHA-256-PLUS"},
};

}  // namespace

std::string_view name(Mechanism mechanism) {
  for (const auto& row : rows) {
    if (row.mechanism == mechanism) return row.name;
  }
  return "";
}

std::optional<Mechanism> parse_mechanism(std::string_view text) {
  for (const auto& row : rows) {
    if (text::iequals(text, row.name)) return row.mechanism;
  }
  return std::nullopt;
}

// RFC 5802 3: SaltedPassword := Hi(Normalize(password), salt, i), ClientKey := HMAC(SaltedPassword, "Client Key"),
// StoredKey := H(ClientKey), ServerKey := HMAC(SaltedPassword, "Server Key").
ScramVerifier make_scram_verifier(std::string_view password, std::string salt, std::uint32_t iterations) {
  const std::string salted = crypto::pbkdf2_sha256(password, salt, iterations);
  return {.salt = std::move(salt),
          .iterations = iterations,
          .stored_key = crypto::sha256(crypto::hmac_sha256(salted, "Client Key")),
          .server_key = crypto::hmac_sha256(salted, "Server Key")};
}

}  // namespace posthorn::sasl
