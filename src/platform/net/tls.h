// TLS contexts (OpenSSL). ServerTls: several certificates chosen by SNI, one of each key type a name, replaced while
// running. ClientTls: opportunistic, or verified against a name; DANE reads Stream::peer_chain().
//
// TLS 1.2 at least (RFC 8996, RFC 9325). Both are thread-safe and outlive the streams that use them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"

namespace posthorn::net {

/// PEM: the certificate with its intermediates, leaf first, and its private key.
struct CertificateAndKey {
  std::string chain_pem;
  std::string key_pem;
};

/// What a certificate says, for `config check`, logs and renewals.
struct CertificateFacts {
  std::vector<std::string> names;  ///< dNSName and iPAddress of the subjectAltName
  std::string key_type;            ///< "ECDSA P-256", "RSA 2048"
  TimePoint not_before, not_after;
  std::string issuer;
};
[[nodiscard]] Result<CertificateFacts, Problem> read_certificate(std::string_view pem);

class ServerTls {
 public:
  /// The first certificate (and those of other key types with its names) serves clients without or with unknown SNI
  /// (RFC 6066 3 allows it; mail clients expect it).
  [[nodiscard]] static Result<std::unique_ptr<ServerTls>, Problem> make(
      const std::vector<CertificateAndKey>& certificates);
  virtual ~ServerTls() = default;

  /// New handshakes use these; live connections keep theirs. On failure nothing changes.
  [[nodiscard]] virtual Result<void, Problem> replace(const std::vector<CertificateAndKey>& certificates) = 0;
  [[nodiscard]] virtual std::vector<CertificateFacts> certificates() const = 0;
};

struct ClientTlsOptions {
  std::filesystem::path ca_file;  ///< trusted besides the system's store; may be empty
  bool use_system_store = true;
};

class ClientTls {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ClientTls>, Problem> make(const ClientTlsOptions& options);
  virtual ~ClientTls() = default;
};

}  // namespace posthorn::net
