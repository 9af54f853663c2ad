#include "foundation/crypto/seal.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "foundation/crypto/hash.h"
#include "foundation/crypto/openssl.h"
#include "foundation/crypto/random.h"

namespace posthorn::crypto {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kIdOctets = 4;
constexpr std::size_t kNonceOctets = 12;  // SP 800-38D 8.2: the length that needs no hashing
constexpr std::size_t kTagOctets = 16;
constexpr std::size_t kHeadOctets = 1 + kIdOctets + kNonceOctets;
static_assert(sealed_overhead_octets == kHeadOctets + kTagOctets);

// Going on would write secrets unsealed.
void must_encrypt(bool done) {
  must(done, "encrypt");
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;

int length(Octets octets) {
  return static_cast<int>(octets.size());
}

void encrypt(Octets key, Octets nonce, Octets context, Octets secret, OctetString& ciphertext, OctetString& tag) {
  const Context cipher(EVP_CIPHER_CTX_new());
  must_encrypt(cipher != nullptr);
  int done = 0;
  must_encrypt(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, as_unsigned(key).data(),
                                  as_unsigned(nonce).data()) == 1);
  must_encrypt(EVP_EncryptUpdate(cipher.get(), nullptr, &done, as_unsigned(context).data(), length(context)) == 1);
  must_encrypt(
      EVP_EncryptUpdate(cipher.get(), writable(ciphertext), &done, as_unsigned(secret).data(), length(secret)) == 1);
  must_encrypt(EVP_EncryptFinal_ex(cipher.get(), nullptr, &done) == 1);
  must_encrypt(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagOctets, tag.data()) == 1);
}

bool decrypt(Octets key, Octets nonce, Octets context, Octets ciphertext, OctetString tag, OctetString& secret) {
  const Context cipher(EVP_CIPHER_CTX_new());
  must_encrypt(cipher != nullptr);
  int done = 0;
  must_encrypt(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, as_unsigned(key).data(),
                                  as_unsigned(nonce).data()) == 1);
  must_encrypt(EVP_DecryptUpdate(cipher.get(), nullptr, &done, as_unsigned(context).data(), length(context)) == 1);
  must_encrypt(EVP_DecryptUpdate(cipher.get(), writable(secret), &done, as_unsigned(ciphertext).data(),
                                 length(ciphertext)) == 1);
  must_encrypt(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagOctets, tag.data()) == 1);
  return EVP_DecryptFinal_ex(cipher.get(), nullptr, &done) == 1;
}

}  // namespace

std::string_view text(SealError error) {
  switch (error) {
    case SealError::not_sealed:
      return "this is nothing that was sealed here";
    case SealError::other_key:
      return "it was sealed with another sealing key";
    case SealError::changed:
      return "it was changed, or moved from where it belongs";
  }
  return "";
}

SealingKey SealingKey::generate() {
  return SealingKey(random_octets(sealing_key_octets));
}

Result<SealingKey, SealError> SealingKey::from_octets(Octets octets) {
  if (octets.size() != sealing_key_octets) return fail(SealError::not_sealed);
  return SealingKey(OctetString(octets));
}

SealingKey::~SealingKey() {
  OPENSSL_cleanse(octets_.data(), octets_.size());
}

OctetString SealingKey::id_octets() const {
  return hmac_sha256(octets_, "posthorn sealing key id").substr(0, kIdOctets);
}

std::string SealingKey::id() const {
  std::string digits;
  for (const char octet : id_octets()) digits += fmt::format("{:02x}", static_cast<unsigned char>(octet));
  return digits;
}

OctetString SealingKey::seal(Octets secret, std::string_view context) const {
  const OctetString nonce = random_octets(kNonceOctets);
  OctetString ciphertext(secret.size(), '\0');
  OctetString tag(kTagOctets, '\0');
  encrypt(octets_, nonce, context, secret, ciphertext, tag);
  return kVersion + id_octets() + nonce + ciphertext + tag;
}

Result<OctetString, SealError> SealingKey::open(Octets sealed, std::string_view context) const {
  if (sealed.size() < sealed_overhead_octets || sealed.front() != kVersion) return fail(SealError::not_sealed);
  if (sealed.substr(1, kIdOctets) != id_octets()) return fail(SealError::other_key);
  const Octets nonce = sealed.substr(1 + kIdOctets, kNonceOctets);
  const Octets ciphertext = sealed.substr(kHeadOctets, sealed.size() - sealed_overhead_octets);
  OctetString secret(ciphertext.size(), '\0');
  if (decrypt(octets_, nonce, context, ciphertext, OctetString(sealed.substr(sealed.size() - kTagOctets)), secret))
    return secret;
  OPENSSL_cleanse(secret.data(), secret.size());
  return fail(SealError::changed);
}

}  // namespace posthorn::crypto
