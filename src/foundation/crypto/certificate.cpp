#include "foundation/crypto/certificate.h"

#include <algorithm>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace posthorn::crypto {
namespace {

struct FreeOpenssl {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

const unsigned char* octets_of(Octets octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}

OctetString der_of(X509* certificate) {
  OctetString der(static_cast<std::size_t>(std::max(i2d_X509(certificate, nullptr), 0)), '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &to);
  return der;
}

std::vector<std::string> dns_names(X509* certificate) {
  std::vector<std::string> names;
  const Owned<GENERAL_NAMES> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &kind);
    if (kind != GEN_DNS) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return names;
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  const auto date = std::chrono::year(parts.tm_year + 1900) /
                    std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)) /
                    std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

std::string text_of(const X509_NAME* name) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::max(length, 0L))};
}

std::string openssl_words(int code) {
  return X509_verify_cert_error_string(code);
}

}  // namespace

struct Certificate::Material {
  Owned<X509> x509;
  OctetString der;
  std::vector<std::string> names;
};

namespace {

Certificate certificate_of(Owned<X509> x509) {
  auto material = std::make_shared<Certificate::Material>();
  material->der = der_of(x509.get());
  material->names = dns_names(x509.get());
  material->x509 = std::move(x509);
  return Certificate(std::move(material));
}

}  // namespace

Result<Certificate, std::string> Certificate::from_der(Octets der) {
  if (der.size() > certificate_octets_max) return fail(std::string("the certificate is too long"));
  const unsigned char* at = octets_of(der);
  Owned<X509> x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!x509 || at != octets_of(der) + der.size()) return fail(std::string("this is no X.509 certificate"));
  return certificate_of(std::move(x509));
}

Result<std::vector<Certificate>, std::string> Certificate::from_pem(std::string_view pem) {
  const Owned<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> out;
  while (Owned<X509> x509{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    if (out.size() == chain_certificates_max) return fail(std::string("there are too many certificates"));
    out.push_back(certificate_of(std::move(x509)));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return fail(std::string("a certificate in it cannot be read"));
  if (out.empty()) return fail(std::string("there is no certificate in it"));
  return out;
}

const OctetString& Certificate::der() const {
  return material_->der;
}

OctetString Certificate::public_key_der() const {
  // The octets as the certificate has them: encoding the key anew could differ.
  X509_PUBKEY* key = X509_get_X509_PUBKEY(material_->x509.get());
  OctetString der(static_cast<std::size_t>(std::max(i2d_X509_PUBKEY(key, nullptr), 0)), '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509_PUBKEY(key, &to);
  return der;
}

const std::vector<std::string>& Certificate::names() const {
  return material_->names;
}

std::string Certificate::subject() const {
  return text_of(X509_get_subject_name(material_->x509.get()));
}

std::string Certificate::issuer() const {
  return text_of(X509_get_issuer_name(material_->x509.get()));
}

std::string Certificate::key_type() const {
  EVP_PKEY* key = X509_get0_pubkey(material_->x509.get());
  if (key == nullptr) return "unknown";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return fmt::format("RSA {}", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
      return fmt::format("ECDSA P-{}", EVP_PKEY_get_bits(key));
    case EVP_PKEY_ED25519:
      return "Ed25519";
    default:
      return OBJ_nid2sn(EVP_PKEY_get_base_id(key));
  }
}

TimePoint Certificate::not_before() const {
  return time_of(X509_get0_notBefore(material_->x509.get()));
}

TimePoint Certificate::not_after() const {
  return time_of(X509_get0_notAfter(material_->x509.get()));
}

bool Certificate::fits(std::string_view host) const {
  constexpr unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  if (host.ends_with('.')) host.remove_suffix(1);
  return !host.empty() && X509_check_host(material_->x509.get(), host.data(), host.size(), flags, nullptr) == 1;
}

// ---------------------------------------------------------------- chains

namespace {

bool is_about_dates(int code) {
  return code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID;
}

ChainVerdict verify(const std::vector<Certificate>& chain, X509_STORE* store, std::optional<TimePoint> now,
                    unsigned long flags) {
  if (chain.empty()) return {.reason = "there is no certificate"};
  const Owned<STACK_OF(X509)> others(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].material().x509.get());
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store, chain.front().material().x509.get(), others.get()) != 1)
    return {.reason = "the chain cannot be checked"};
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, flags | (now ? 0 : X509_V_FLAG_NO_CHECK_TIME));
  if (now) X509_VERIFY_PARAM_set_time(parameters, unix_seconds(*now));
  const bool trusted = X509_verify_cert(context.get()) == 1;
  const int code = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  const auto length = static_cast<std::size_t>(std::max(sk_X509_num(X509_STORE_CTX_get0_chain(context.get())), 1));
  if (trusted) return {.trusted = true, .depth = length - 1};
  return {.by_dates = is_about_dates(code), .depth = length - 1, .reason = openssl_words(code)};
}

/// The certificates of the chain that one of the keys has signed.
std::vector<Certificate> signed_by(const std::vector<Certificate>& chain, const std::vector<OctetString>& keys) {
  std::vector<Certificate> out;
  for (const OctetString& octets : keys) {
    const unsigned char* at = octets_of(octets);
    const Owned<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(octets.size())));
    for (const Certificate& certificate : chain)
      if (key && X509_verify(certificate.material().x509.get(), key.get()) == 1) out.push_back(certificate);
  }
  ERR_clear_error();
  return out;
}

}  // namespace

ChainVerdict verify_to_anchors(const std::vector<Certificate>& chain, const ChainAnchors& anchors,
                               std::optional<TimePoint> now) {
  const Owned<X509_STORE> store(X509_STORE_new());
  for (const Certificate& anchor : anchors.certificates) X509_STORE_add_cert(store.get(), anchor.material().x509.get());
  for (const Certificate& anchor : signed_by(chain, anchors.public_keys))
    X509_STORE_add_cert(store.get(), anchor.material().x509.get());
  return verify(chain, store.get(), now, X509_V_FLAG_PARTIAL_CHAIN);
}

struct TrustStore::Roots {
  Owned<X509_STORE> store;
};

Result<TrustStore, std::string> TrustStore::make(std::string_view ca_pem, bool use_system) {
  auto roots = std::make_shared<Roots>();
  roots->store.reset(X509_STORE_new());
  if (use_system) X509_STORE_set_default_paths(roots->store.get());
  const Owned<BIO> in(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  std::size_t added = 0;
  while (const Owned<X509> x509{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)})
    added += static_cast<std::size_t>(X509_STORE_add_cert(roots->store.get(), x509.get()) == 1);
  ERR_clear_error();
  if (added == 0 && !ca_pem.empty()) return fail(std::string("there is no certificate in it"));
  TrustStore out;
  out.roots_ = std::move(roots);
  return out;
}

ChainVerdict TrustStore::verify(const std::vector<Certificate>& chain, std::optional<TimePoint> now) const {
  return crypto::verify(chain, roots_->store.get(), now, 0);
}

}  // namespace posthorn::crypto
