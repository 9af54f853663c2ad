// Prober: what live probes of mail hosts and policy files work with: TLS, trusted roots, an HTTPS client. For verbs.
#pragma once

#include <memory>

#include "operations/domains/mx_probe.h"
#include "operations/domains/policy_probe.h"
#include "platform/net/connect.h"
#include "site/config/config.h"

namespace posthorn::cli {

/// Lives as long as the question; `resolver` outlives it.
class Prober {
 public:
  /// By the configuration's CAs, port, sources and rule about private addresses.
  [[nodiscard]] static Result<std::unique_ptr<Prober>, Problem> make(const config::Config& config,
                                                                     dns::Resolver& resolver,
                                                                     runtime::Executor executor);
  Prober(dns::Resolver& resolver, runtime::Executor executor);

  [[nodiscard]] domains::ProbeSurroundings surroundings() {
    return {&resolver_, &dialer_, &loop_, tls_.get(), &trust_};
  }
  [[nodiscard]] const domains::ProbeOptions& options() const { return options_; }
  [[nodiscard]] https::Client& https() { return *https_; }

 private:
  runtime::SystemClock clock_;
  dns::Resolver& resolver_;
  net::Loop loop_;
  net::TcpDialer dialer_;
  crypto::TrustStore trust_;
  std::unique_ptr<net::ClientTls> tls_;
  std::unique_ptr<https::Client> https_;
  domains::ProbeOptions options_;
};

}  // namespace posthorn::cli
