// Certificates of our own making: self-signed ones for quickstart, a small CA for the demo and the tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "platform/net/tls.h"

namespace posthorn::net {

enum class CertificateKeyType : unsigned char { ecdsa_p256, rsa_2048 };

struct NewCertificate {
  std::vector<std::string> names;  ///< DNS names (A-labels) or IP addresses; the first is the subject, too
  TimePoint not_before, not_after;
  CertificateKeyType key_type = CertificateKeyType::ecdsa_p256;
};

[[nodiscard]] Result<CertificateAndKey, Problem> make_self_signed(const NewCertificate& wanted);

/// A CA that lives in memory; write authority_pem() to a file for `tls.ca_file`.
class CertificateAuthority {
 public:
  [[nodiscard]] static Result<CertificateAuthority, Problem> make(const std::string& name, TimePoint not_before,
                                                                  TimePoint not_after);
  /// Chain without the root (RFC 8446 4.4.2).
  [[nodiscard]] Result<CertificateAndKey, Problem> issue(const NewCertificate& wanted) const;
  [[nodiscard]] const std::string& authority_pem() const { return own_.chain_pem; }

 private:
  CertificateAndKey own_;
};

}  // namespace posthorn::net
