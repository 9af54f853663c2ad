#include "foundation/crypto/signature.h"

#include <array>
#include <memory>
#include <optional>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "foundation/crypto/der.h"
#include "foundation/crypto/openssl.h"

namespace posthorn::crypto {
namespace {

using Pkey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

/// Fetched once: an implicit fetch at every use costs more than hashing a short message.
const EVP_MD* message_digest(SignatureHash hash) {
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return hash == SignatureHash::sha1 ? sha1 : sha256;
}

const unsigned char* data(Octets octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}

std::optional<KeyKind> kind_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return KeyKind::rsa;
    case EVP_PKEY_ED25519:
      return KeyKind::ed25519;
    default:
      return std::nullopt;
  }
}

/// Kind and size are such that this key may be used at all.
std::optional<KeyError> fault_of(const EVP_PKEY* key) {
  const auto kind = kind_of(key);
  if (!kind) return KeyError::unsupported_kind;
  const int bits = EVP_PKEY_get_bits(key);
  const bool size_fits = bits >= static_cast<int>(rsa_bits_min) && bits <= static_cast<int>(rsa_bits_max);
  if (*kind == KeyKind::rsa && !size_fits) return KeyError::bad_size;
  return std::nullopt;
}

Pkey make_rsa(Octets modulus, Octets exponent) {
  const BigNumber n{BN_bin2bn(data(modulus), static_cast<int>(modulus.size()), nullptr)};
  const BigNumber e{BN_bin2bn(data(exponent), static_cast<int>(exponent.size()), nullptr)};
  const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
  if (!n || !e || !builder) return {};
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  const Parameters parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  const PkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return {};
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) return {};
  return Pkey{key};
}

/// Never asks for a pass phrase; tells that one was wanted.
int refuse_pass_phrase(char*, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

std::string text_of(BIO* bio) {
  char* octets = nullptr;
  const long length = BIO_get_mem_data(bio, &octets);
  return {octets, static_cast<std::size_t>(length)};
}

Pkey generate(const char* name, unsigned bits) {
  const PkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1) return {};
  if (bits != 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) != 1) return {};
  if (EVP_PKEY_generate(context.get(), &key) != 1) return {};
  return Pkey{key};
}

}  // namespace

std::string_view text(KeyKind kind) {
  return kind == KeyKind::rsa ? "rsa" : "ed25519";
}

std::string_view text(KeyError error) {
  switch (error) {
    case KeyError::not_a_key:
      return "not a key";
    case KeyError::unsupported_kind:
      return "neither an RSA nor an Ed25519 key";
    case KeyError::bad_size:
      return "an RSA key of a size or exponent that is not supported";
    case KeyError::encrypted:
      break;
  }
  return "a key with a pass phrase";
}

// --- hashing

struct SignatureDigest::State {
  SignatureHash hash;
  DigestContext context{EVP_MD_CTX_new()};
  void start() { EVP_DigestInit_ex(context.get(), message_digest(hash), nullptr); }
};

SignatureDigest::SignatureDigest(SignatureHash hash) : state_(std::make_unique<State>(State{.hash = hash})) {
  state_->start();
}
SignatureDigest::~SignatureDigest() = default;
SignatureDigest::SignatureDigest(SignatureDigest&&) noexcept = default;
SignatureDigest& SignatureDigest::operator=(SignatureDigest&&) noexcept = default;

void SignatureDigest::update(Octets octets) {
  EVP_DigestUpdate(state_->context.get(), octets.data(), octets.size());
}

OctetString SignatureDigest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length);
  state_->start();
  return {reinterpret_cast<const char*>(digest.data()), length};
}

// --- public keys

struct PublicKey::Material {
  Pkey key;
  KeyKind kind;
};

Result<PublicKey, KeyError> PublicKey::from_der(Octets der) {
  const auto rsa = read_rsa_public_key(der);
  if (!rsa) {
    if (const auto ed25519 = read_ed25519_public_key(der)) return from_raw_ed25519(*ed25519);
    return fail(is_public_key_info(der) ? KeyError::unsupported_kind : KeyError::not_a_key);
  }
  const bool exponent_fits = !rsa->exponent.empty() && (rsa->exponent.back() & 1) != 0 && rsa->exponent != "\x01";
  const std::size_t modulus_bits = rsa->modulus.size() * 8;
  if (!exponent_fits || rsa->exponent.size() > 8 || modulus_bits > rsa_bits_max + 7) return fail(KeyError::bad_size);
  Pkey key = make_rsa(rsa->modulus, rsa->exponent);
  if (!key) return fail(KeyError::not_a_key);
  if (const auto fault = fault_of(key.get())) return fail(*fault);
  return PublicKey{std::make_shared<const Material>(Material{std::move(key), KeyKind::rsa})};
}

Result<PublicKey, KeyError> PublicKey::from_raw_ed25519(Octets octets) {
  if (octets.size() != ed25519_key_octets) return fail(KeyError::not_a_key);
  Pkey key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data(octets), octets.size())};
  if (!key) return fail(KeyError::not_a_key);
  return PublicKey{std::make_shared<const Material>(Material{std::move(key), KeyKind::ed25519})};
}

Result<PublicKey, KeyError> PublicKey::from_pem(std::string_view pem) {
  const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  bool wanted = false;
  Pkey key{PEM_read_bio_PUBKEY(bio.get(), nullptr, refuse_pass_phrase, &wanted)};
  if (!key) return fail(KeyError::not_a_key);
  if (const auto fault = fault_of(key.get())) return fail(*fault);
  const KeyKind kind = *kind_of(key.get());
  return PublicKey{std::make_shared<const Material>(Material{std::move(key), kind})};
}

KeyKind PublicKey::kind() const {
  return material_->kind;
}

unsigned PublicKey::bits() const {
  return kind() == KeyKind::ed25519 ? 256 : static_cast<unsigned>(EVP_PKEY_get_bits(material_->key.get()));
}

OctetString PublicKey::der() const {
  unsigned char* octets = nullptr;
  const int length = i2d_PUBKEY(material_->key.get(), &octets);
  if (length <= 0) return {};
  OctetString out{reinterpret_cast<const char*>(octets), static_cast<std::size_t>(length)};
  OPENSSL_free(octets);
  return out;
}

OctetString PublicKey::dkim_octets() const {
  if (kind() == KeyKind::rsa) return der();
  OctetString out(ed25519_key_octets, '\0');
  std::size_t length = out.size();
  EVP_PKEY_get_raw_public_key(material_->key.get(), reinterpret_cast<unsigned char*>(out.data()), &length);
  return out;
}

namespace {

bool verify_rsa(EVP_PKEY* key, SignatureHash hash, Octets digest, Octets signature) {
  const PkeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return false;
  if (EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) return false;
  if (EVP_PKEY_CTX_set_signature_md(context.get(), message_digest(hash)) != 1) return false;
  return EVP_PKEY_verify(context.get(), data(signature), signature.size(), data(digest), digest.size()) == 1;
}

bool verify_ed25519(EVP_PKEY* key, Octets message, Octets signature) {
  const DigestContext context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) != 1) return false;
  return EVP_DigestVerify(context.get(), data(signature), signature.size(), data(message), message.size()) == 1;
}

}  // namespace

bool PublicKey::verify(SignatureHash hash, Octets digest, Octets signature) const {
  EVP_PKEY* const key = material_->key.get();
  if (kind() == KeyKind::ed25519) return verify_ed25519(key, digest, signature);
  return verify_rsa(key, hash, digest, signature);
}

// --- private keys

struct PrivateKey::Material {
  Pkey key;
  KeyKind kind;
};

Result<PrivateKey, KeyError> PrivateKey::generate_rsa(unsigned bits) {
  if (bits < rsa_sign_bits_min || bits > rsa_bits_max) return fail(KeyError::bad_size);
  Pkey key = generate("RSA", bits);
  if (!key) return fail(KeyError::not_a_key);
  return PrivateKey{std::make_shared<const Material>(Material{std::move(key), KeyKind::rsa})};
}

Result<PrivateKey, KeyError> PrivateKey::generate_ed25519() {
  Pkey key = generate("ED25519", 0);
  if (!key) return fail(KeyError::not_a_key);
  return PrivateKey{std::make_shared<const Material>(Material{std::move(key), KeyKind::ed25519})};
}

Result<PrivateKey, KeyError> PrivateKey::from_pem(std::string_view pem) {
  const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  bool pass_phrase_wanted = false;
  Pkey key{PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_pass_phrase, &pass_phrase_wanted)};
  if (!key) return fail(pass_phrase_wanted ? KeyError::encrypted : KeyError::not_a_key);
  if (const auto fault = fault_of(key.get())) return fail(*fault);
  const KeyKind kind = *kind_of(key.get());
  return PrivateKey{std::make_shared<const Material>(Material{std::move(key), kind})};
}

Result<PrivateKey, KeyError> PrivateKey::from_raw_ed25519(Octets seed) {
  if (seed.size() != ed25519_key_octets) return fail(KeyError::not_a_key);
  Pkey key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, data(seed), seed.size())};
  if (!key) return fail(KeyError::not_a_key);
  return PrivateKey{std::make_shared<const Material>(Material{std::move(key), KeyKind::ed25519})};
}

KeyKind PrivateKey::kind() const {
  return material_->kind;
}

unsigned PrivateKey::bits() const {
  return kind() == KeyKind::ed25519 ? 256 : static_cast<unsigned>(EVP_PKEY_get_bits(material_->key.get()));
}

std::string PrivateKey::pem() const {
  const Bio bio{BIO_new(BIO_s_secmem())};
  PEM_write_bio_PKCS8PrivateKey(bio.get(), material_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

PublicKey PrivateKey::public_key() const {
  EVP_PKEY* const key = material_->key.get();
  EVP_PKEY_up_ref(key);  // only the public half is ever asked of it there
  return PublicKey{std::make_shared<const PublicKey::Material>(PublicKey::Material{Pkey{key}, kind()})};
}

namespace {

OctetString sign_rsa(EVP_PKEY* key, Octets digest) {
  const PkeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!context || EVP_PKEY_sign_init(context.get()) != 1) return {};
  if (EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) return {};
  if (EVP_PKEY_CTX_set_signature_md(context.get(), message_digest(SignatureHash::sha256)) != 1) return {};
  OctetString out(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t length = out.size();
  auto* const octets = reinterpret_cast<unsigned char*>(out.data());
  if (EVP_PKEY_sign(context.get(), octets, &length, data(digest), digest.size()) != 1) return {};
  out.resize(length);
  return out;
}

OctetString sign_ed25519(EVP_PKEY* key, Octets message) {
  const DigestContext context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1) return {};
  OctetString out(ed25519_signature_octets, '\0');
  std::size_t length = out.size();
  auto* const octets = reinterpret_cast<unsigned char*>(out.data());
  if (EVP_DigestSign(context.get(), octets, &length, data(message), message.size()) != 1) return {};
  return out;
}

}  // namespace

OctetString PrivateKey::sign_sha256(Octets digest) const {
  EVP_PKEY* const key = material_->key.get();
  return kind() == KeyKind::rsa ? sign_rsa(key, digest) : sign_ed25519(key, digest);
}

}  // namespace posthorn::crypto
