#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "foundation/base/ip_address.h"
#include "platform/net/tls_session.h"

namespace posthorn::net {
namespace {

// What we offer as a client. Opportunistic TLS to an old peer is better than clear text (RFC 7435), so the list is
// wider than the server's; the protocol floor is TLS 1.2 for all.
constexpr const char* kClientCiphers = "DEFAULT:!aNULL:!eNULL:!3DES:!RC4:@SECLEVEL=1";

struct FreeClientContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ClientContext = std::unique_ptr<SSL_CTX, FreeClientContext>;

class OpensslClientTls final : public ClientTls {
 public:
  explicit OpensslClientTls(ClientContext context) : context_(std::move(context)) {}
  [[nodiscard]] Ssl new_session() const { return Ssl(SSL_new(context_.get())); }

 private:
  ClientContext context_;
};

bool add_name(SSL* ssl, const std::string& name) {
  if (const auto address = IpAddress::parse(name)) {
    const auto* octets = reinterpret_cast<const unsigned char*>(address->octets().data());
    return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), octets, address->octets().size()) == 1;
  }
  return SSL_add1_host(ssl, name.c_str()) == 1;
}

/// RFC 9525 6.3: names of the subjectAltName only, wildcards as a whole leftmost label.
bool check_names(SSL* ssl, const std::vector<std::string>& names) {
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return std::all_of(names.begin(), names.end(), [ssl](const std::string& name) { return add_name(ssl, name); });
}

Problem no_trust(const std::filesystem::path& file) {
  return Problem{ProblemKind::usage, "cannot read certificates from " + file.string(), openssl_reason("none there"),
                 "tls.ca_file must be a PEM file"};
}

}  // namespace

Result<std::unique_ptr<ClientTls>, Problem> ClientTls::make(const ClientTlsOptions& options) {
  ClientContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kClientCiphers);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (options.use_system_store) SSL_CTX_set_default_verify_paths(context.get());
  if (!options.ca_file.empty() && SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1)
    return fail(no_trust(options.ca_file));
  ERR_clear_error();
  return std::make_unique<OpensslClientTls>(std::move(context));
}

Ssl new_client_session(const ClientTls& tls, const ClientHandshake& handshake) {
  Ssl ssl = static_cast<const OpensslClientTls&>(tls).new_session();
  if (!ssl) return nullptr;
  SSL_set_connect_state(ssl.get());
  SSL_set_verify(ssl.get(), handshake.require_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // RFC 6066 3: addresses are not sent as server names.
  const bool has_sni = !handshake.server_name.empty() && !IpAddress::parse(handshake.server_name);
  if (has_sni && SSL_set_tlsext_host_name(ssl.get(), handshake.server_name.c_str()) != 1) return nullptr;
  if (!check_names(ssl.get(), handshake.names)) return nullptr;
  return ssl;
}

}  // namespace posthorn::net
