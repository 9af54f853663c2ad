#include <atomic>
#include <map>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "foundation/base/ip_address.h"
#include "platform/net/tls_session.h"

namespace posthorn::net {
namespace {

// RFC 9325 4.2: forward secrecy; CBC with ECDHE stays for older senders, which would otherwise send in clear.
constexpr const char* kServerCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES";
// One ticket a TLS 1.3 handshake: mail clients resume one connection at a time.
constexpr std::size_t kTickets = 1;
constexpr std::string_view kSessionContext = "posthorn";

struct FreeServerPart {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
struct FreeChain {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
using Context = std::unique_ptr<SSL_CTX, FreeServerPart>;
using Certificate = std::unique_ptr<X509, FreeServerPart>;
using Key = std::unique_ptr<EVP_PKEY, FreeServerPart>;
using Bio = std::unique_ptr<BIO, FreeServerPart>;
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

Bio memory_bio(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string name_text(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    const auto* octets = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    return lower({octets, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))});
  }
  if (name->type != GEN_IPADD) return {};
  const unsigned char* octets = ASN1_STRING_get0_data(name->d.iPAddress);
  const int length = ASN1_STRING_length(name->d.iPAddress);
  if (length == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy_n(octets, v4.size(), v4.begin());
    return IpAddress::v4(v4).text();
  }
  if (length != 16) return {};
  std::array<std::uint8_t, 16> v6{};
  std::copy_n(octets, v6.size(), v6.begin());
  return IpAddress::v6(v6).text();
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, FreeServerPart> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    if (std::string name = name_text(sk_GENERAL_NAME_value(all.get(), i)); !name.empty()) names.push_back(name);
  }
  return names;
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return from_unix_seconds(timegm(&parts));
}

std::string key_type_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") != 0) return fmt::format("RSA {}", EVP_PKEY_get_bits(key));
  if (EVP_PKEY_is_a(key, "EC") != 0) return fmt::format("ECDSA P-{}", EVP_PKEY_get_bits(key));
  const char* const name = EVP_PKEY_get0_type_name(key);
  return name != nullptr ? name : "unknown";
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.names = names_of(certificate);
  facts.key_type = key_type_of(X509_get0_pubkey(certificate));
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  std::array<char, 512> issuer{};
  X509_NAME_oneline(X509_get_issuer_name(certificate), issuer.data(), issuer.size());
  facts.issuer = issuer.data();
  return facts;
}

/// A certificate that can be served.
struct Identity {
  Certificate leaf;
  Chain rest;
  Key key;
  CertificateFacts facts;
};

Problem bad_certificate(std::string why) {
  return Problem{ProblemKind::usage, "cannot use a certificate", std::move(why),
                 "tls.certificate and tls.key take PEM: the certificate first, then its intermediates; one key each"};
}

Result<Identity, Problem> read_identity(const CertificateAndKey& pem) {
  Identity identity;
  const Bio chain = memory_bio(pem.chain_pem);
  identity.leaf.reset(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!identity.leaf) return fail(bad_certificate(openssl_reason("no certificate in it")));
  identity.rest.reset(sk_X509_new_null());
  while (X509* const next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
    sk_X509_push(identity.rest.get(), next);
  const Bio key = memory_bio(pem.key_pem);
  // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  identity.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!identity.key) return fail(bad_certificate("the key cannot be read (encrypted keys are not taken)"));
  if (X509_check_private_key(identity.leaf.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    return fail(bad_certificate("the key does not belong to the certificate"));
  }
  identity.facts = facts_of(identity.leaf.get());
  return identity;
}

using Members = std::vector<std::size_t>;  // indices of identities, at most one of each key type

/// What handshakes use; replaced as a whole.
class Served {
 public:
  static Result<std::shared_ptr<const Served>, Problem> make(const std::vector<CertificateAndKey>& certificates) {
    if (certificates.empty()) return fail(bad_certificate("none is given"));
    auto served = std::make_shared<Served>();
    for (const CertificateAndKey& pem : certificates) {
      auto identity = read_identity(pem);
      if (!identity) return fail(identity.error());
      served->identities_.push_back(std::move(*identity));
    }
    if (!served->build()) return fail(bad_certificate(openssl_reason("OpenSSL refuses it")));
    return served;
  }

  [[nodiscard]] SSL_CTX* fallback() const { return fallback_; }
  /// RFC 6066 3 and RFC 9525 6.3: the name itself, else a wildcard for its leftmost label, else nullptr.
  [[nodiscard]] SSL_CTX* find(std::string_view server_name) const {
    const std::string name = lower(server_name);
    if (const auto at = by_name_.find(name); at != by_name_.end()) return at->second;
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return nullptr;
    const auto at = by_name_.find("*" + name.substr(dot));
    return at != by_name_.end() ? at->second : nullptr;
  }
  [[nodiscard]] std::vector<CertificateFacts> facts() const {
    std::vector<CertificateFacts> all;
    all.reserve(identities_.size());
    for (const Identity& identity : identities_) all.push_back(identity.facts);
    return all;
  }

 private:
  /// The first certificate of each key type that bears the name.
  [[nodiscard]] Members members_of(const std::string& name) const {
    Members members;
    for (std::size_t i = 0; i < identities_.size(); ++i) {
      const CertificateFacts& facts = identities_[i].facts;
      const bool bears = std::find(facts.names.begin(), facts.names.end(), name) != facts.names.end();
      const bool same_type = std::any_of(members.begin(), members.end(), [this, &facts](std::size_t m) {
        return identities_[m].facts.key_type.substr(0, 3) == facts.key_type.substr(0, 3);
      });
      if (bears && !same_type) members.push_back(i);
    }
    return members;
  }

  bool build() {
    for (const Identity& identity : identities_) {
      for (const std::string& name : identity.facts.names) by_name_[name] = context_for(members_of(name));
    }
    const auto& first = identities_.front().facts.names;
    fallback_ = context_for(first.empty() ? Members{0} : members_of(first.front()));
    return std::none_of(contexts_.begin(), contexts_.end(), [](const auto& item) { return item.second == nullptr; });
  }

  SSL_CTX* context_for(const Members& members) {
    const auto [at, is_new] = contexts_.try_emplace(members);
    if (is_new) at->second = make_context(members);
    return at->second.get();
  }

  Context make_context(const Members& members) {
    Context context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), kServerCiphers);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), kTickets);
    SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                   kSessionContext.size());
    SSL_CTX_set_tlsext_servername_callback(context.get(), &choose);
    SSL_CTX_set_tlsext_servername_arg(context.get(), this);
    for (const std::size_t member : members) {
      const Identity& identity = identities_[member];
      if (SSL_CTX_use_cert_and_key(context.get(), identity.leaf.get(), identity.key.get(), identity.rest.get(), 1) != 1)
        return nullptr;
    }
    return context;
  }

  static int choose(SSL* ssl, int* /*alert*/, void* served) {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX* const found = name != nullptr ? static_cast<const Served*>(served)->find(name) : nullptr;
    if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;  // the fallback serves
    SSL_set_SSL_CTX(ssl, found);
    return SSL_TLSEXT_ERR_OK;
  }

  std::vector<Identity> identities_;
  std::map<Members, Context> contexts_;
  std::map<std::string, SSL_CTX*> by_name_;
  SSL_CTX* fallback_ = nullptr;
};

class OpensslServerTls final : public ServerTls {
 public:
  explicit OpensslServerTls(std::shared_ptr<const Served> served) : served_(std::move(served)) {}

  Result<void, Problem> replace(const std::vector<CertificateAndKey>& certificates) override {
    auto fresh = Served::make(certificates);
    if (!fresh) return fail(fresh.error());
    served_.store(std::move(*fresh));
    return {};
  }
  std::vector<CertificateFacts> certificates() const override { return served_.load()->facts(); }
  [[nodiscard]] std::shared_ptr<const Served> served() const { return served_.load(); }

 private:
  std::atomic<std::shared_ptr<const Served>> served_;
};

}  // namespace

Result<std::unique_ptr<ServerTls>, Problem> ServerTls::make(const std::vector<CertificateAndKey>& certificates) {
  auto served = Served::make(certificates);
  if (!served) return fail(served.error());
  return std::make_unique<OpensslServerTls>(std::move(*served));
}

Ssl new_server_session(const ServerTls& tls, std::shared_ptr<const void>& keep) {
  const auto served = static_cast<const OpensslServerTls&>(tls).served();
  keep = served;
  Ssl ssl(SSL_new(served->fallback()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

Result<CertificateFacts, Problem> read_certificate(std::string_view pem) {
  const Bio bio = memory_bio(pem);
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(bad_certificate(openssl_reason("no certificate in it")));
  return facts_of(certificate.get());
}

}  // namespace posthorn::net
