#include "platform/net/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "foundation/base/ip_address.h"
#include "platform/net/tls_session.h"

namespace posthorn::net {
namespace {

constexpr unsigned kRsaBits = 2048;
constexpr int kSerialBits = 127;            // RFC 5280 4.1.2.2: at most 20 octets, positive
constexpr std::size_t kCommonNameMax = 64;  // RFC 5280, ub-common-name

struct FreeOpenssl {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

Problem cannot_make() {
  return Problem{ProblemKind::unavailable, "cannot make a certificate", openssl_reason("OpenSSL refuses"), ""};
}

Owned<EVP_PKEY> new_key(CertificateKeyType type) {
  return Owned<EVP_PKEY>(type == CertificateKeyType::ecdsa_p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(kRsaBits));
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == '*';
  });
}

/// "DNS:mail.example,IP:192.0.2.1"; empty where a name is none.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool is_address = IpAddress::parse(name).has_value();
    if (!is_address && !is_name(name)) return {};
    if (!text.empty()) text += ',';
    text += (is_address ? "IP:" : "DNS:") + name;
  }
  return text;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const Owned<BIGNUM> number(BN_new());
  return BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& name) {
  if (name.size() > kCommonNameMax) return true;  // the alternative names say it
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, text,
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

/// Everything but issuer, extensions and signature.
Owned<X509> new_certificate(const std::string& name, TimePoint not_before, TimePoint not_after, EVP_PKEY* key) {
  Owned<X509> certificate(X509_new());
  const bool done = X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(certificate.get()) &&
                    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), unix_seconds(not_before)) != nullptr &&
                    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), unix_seconds(not_after)) != nullptr &&
                    set_subject(certificate.get(), name) && X509_set_pubkey(certificate.get(), key) == 1;
  return done ? std::move(certificate) : nullptr;
}

bool sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

/// The certificate of a server (RFC 5280 4.2.1).
bool make_server_certificate(X509* certificate, X509* issuer, const std::vector<std::string>& names) {
  const std::string alternative = alternative_names(names);
  return !alternative.empty() && add_extension(certificate, issuer, NID_subject_alt_name, alternative) &&
         add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(std::max(length, 0L))};
}

CertificateAndKey pem_of(X509* certificate, EVP_PKEY* key) {
  const Owned<BIO> chain(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(chain.get(), certificate);
  PEM_write_bio_PKCS8PrivateKey(secret.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(chain.get()), text_of(secret.get())};
}

}  // namespace

Result<CertificateAndKey, Problem> make_self_signed(const NewCertificate& wanted) {
  if (wanted.names.empty()) return fail(cannot_make());
  const Owned<EVP_PKEY> key = new_key(wanted.key_type);
  const Owned<X509> certificate =
      key ? new_certificate(wanted.names.front(), wanted.not_before, wanted.not_after, key.get()) : nullptr;
  const bool done = certificate && make_server_certificate(certificate.get(), certificate.get(), wanted.names) &&
                    sign(certificate.get(), certificate.get(), key.get());
  if (!done) return fail(cannot_make());
  return pem_of(certificate.get(), key.get());
}

Result<CertificateAuthority, Problem> CertificateAuthority::make(const std::string& name, TimePoint not_before,
                                                                 TimePoint not_after) {
  const Owned<EVP_PKEY> key = new_key(CertificateKeyType::ecdsa_p256);
  const Owned<X509> root = key ? new_certificate(name, not_before, not_after, key.get()) : nullptr;
  X509* const r = root.get();
  const bool done = r != nullptr && add_extension(r, r, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    add_extension(r, r, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(r, r, NID_subject_key_identifier, "hash") && sign(r, r, key.get());
  if (!done) return fail(cannot_make());
  CertificateAuthority authority;
  authority.own_ = pem_of(r, key.get());
  return authority;
}

Result<CertificateAndKey, Problem> CertificateAuthority::issue(const NewCertificate& wanted) const {
  const Owned<BIO> root_text(BIO_new_mem_buf(own_.chain_pem.data(), static_cast<int>(own_.chain_pem.size())));
  const Owned<BIO> key_text(BIO_new_mem_buf(own_.key_pem.data(), static_cast<int>(own_.key_pem.size())));
  const Owned<X509> root(PEM_read_bio_X509(root_text.get(), nullptr, nullptr, nullptr));
  const Owned<EVP_PKEY> root_key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!root || !root_key || wanted.names.empty()) return fail(cannot_make());
  const Owned<EVP_PKEY> key = new_key(wanted.key_type);
  const Owned<X509> certificate =
      key ? new_certificate(wanted.names.front(), wanted.not_before, wanted.not_after, key.get()) : nullptr;
  const bool done = certificate && make_server_certificate(certificate.get(), root.get(), wanted.names) &&
                    add_extension(certificate.get(), root.get(), NID_authority_key_identifier, "keyid:always") &&
                    sign(certificate.get(), root.get(), root_key.get());
  if (!done) return fail(cannot_make());
  return pem_of(certificate.get(), key.get());
}

}  // namespace posthorn::net
