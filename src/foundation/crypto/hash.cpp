#include "foundation/crypto/hash.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "foundation/crypto/openssl.h"

namespace posthorn::crypto {
namespace {

void must_hash(bool done) {
  must(done, "compute a hash");
}

}  // namespace

std::string sha256(std::string_view octets) {
  std::string digest(sha256_size_octets, '\0');
  unsigned size = 0;
  must_hash(EVP_Digest(octets.data(), octets.size(), writable(digest), &size, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::string sha512(std::string_view octets) {
  std::string digest(sha512_size_octets, '\0');
  unsigned size = 0;
  must_hash(EVP_Digest(octets.data(), octets.size(), writable(digest), &size, EVP_sha512(), nullptr) == 1);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view octets) {
  std::string digest(sha256_size_octets, '\0');
  unsigned size = 0;
  must_hash(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_unsigned(octets).data(), octets.size(),
                 writable(digest), &size) != nullptr);
  return digest;
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, unsigned iterations,
                          std::size_t length_octets) {
  std::string key(length_octets, '\0');
  must_hash(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), as_unsigned(salt).data(),
                              static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                              static_cast<int>(length_octets), writable(key)) == 1);
  return key;
}

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) { must_hash(context != nullptr); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  void start() const { must_hash(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1); }

  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  state_->start();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view octets) {
  must_hash(EVP_DigestUpdate(state_->context, octets.data(), octets.size()) == 1);
}

std::string Sha256::finish() {
  std::string digest(sha256_size_octets, '\0');
  unsigned size = 0;
  must_hash(EVP_DigestFinal_ex(state_->context, writable(digest), &size) == 1);
  state_->start();
  return digest;
}

bool constant_time_equals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace posthorn::crypto
