#include "foundation/crypto/ec_key.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "foundation/crypto/openssl.h"

namespace posthorn::crypto {

struct EcKey::Material {
  explicit Material(EVP_PKEY* owned) : key(owned) {}
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;
  ~Material() { EVP_PKEY_free(key); }
  EVP_PKEY* key;
};

namespace {

constexpr std::size_t kCoordinateOctets = 32;
constexpr std::size_t kCommonNameMax = 64;  // RFC 5280 A.1: ub-common-name

void must_handle_key(bool done) {
  must(done, "handle a P-256 key");
}

using SignatureParts = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using CertificateRequest = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

OctetString padded(const BIGNUM* number) {
  OctetString octets(kCoordinateOctets, '\0');
  must_handle_key(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(octets.data()), kCoordinateOctets) ==
                  static_cast<int>(kCoordinateOctets));
  return octets;
}

OctetString coordinate(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  must_handle_key(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const BigNumber owned(number);
  return padded(number);
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

void add_names(X509_REQ* request, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "DNS:" : ",DNS:") + name;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, list.c_str()));
  must_handle_key(extension != nullptr);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  must_handle_key(extensions != nullptr && sk_X509_EXTENSION_push(extensions, extension.get()) == 1);
  must_handle_key(X509_REQ_add_extensions(request, extensions) == 1);
  sk_X509_EXTENSION_free(extensions);
}

}  // namespace

EcKey EcKey::generate() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  must_handle_key(key != nullptr);
  return EcKey(std::make_shared<const Material>(key));
}

Result<EcKey, KeyError> EcKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  must_handle_key(bio != nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
  if (key == nullptr) return fail(KeyError::not_a_key);
  EcKey made(std::make_shared<const Material>(key));
  if (!is_p256(key)) return fail(KeyError::unsupported_kind);
  return made;
}

std::string EcKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  must_handle_key(bio != nullptr);
  must_handle_key(PEM_write_bio_PKCS8PrivateKey(bio.get(), material_->key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

EcKey::Point EcKey::public_point() const {
  return {coordinate(material_->key, OSSL_PKEY_PARAM_EC_PUB_X), coordinate(material_->key, OSSL_PKEY_PARAM_EC_PUB_Y)};
}

OctetString EcKey::sign_es256(Octets message) const {
  const DigestContext context(EVP_MD_CTX_new());
  must_handle_key(context != nullptr);
  must_handle_key(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, material_->key) == 1);
  std::size_t size = 0;
  const auto input = as_unsigned(message);
  must_handle_key(EVP_DigestSign(context.get(), nullptr, &size, input.data(), input.size()) == 1);
  std::vector<unsigned char> der(size);
  must_handle_key(EVP_DigestSign(context.get(), der.data(), &size, input.data(), input.size()) == 1);
  const unsigned char* at = der.data();
  const SignatureParts parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  must_handle_key(parts != nullptr);
  return padded(ECDSA_SIG_get0_r(parts.get())) + padded(ECDSA_SIG_get0_s(parts.get()));
}

OctetString EcKey::certificate_request(const std::vector<std::string>& names) const {
  const CertificateRequest request(X509_REQ_new());
  must_handle_key(request != nullptr && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1);
  if (!names.empty() && names.front().size() <= kCommonNameMax) {
    must_handle_key(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                                               as_unsigned(names.front()).data(),
                                               static_cast<int>(names.front().size()), -1, 0) == 1);
  }
  add_names(request.get(), names);
  must_handle_key(X509_REQ_set_pubkey(request.get(), material_->key) == 1);
  must_handle_key(X509_REQ_sign(request.get(), material_->key, EVP_sha256()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  must_handle_key(size > 0);
  OctetString octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

}  // namespace posthorn::crypto
