// Prober: what live probes of mail hosts and policy files work with: TLS, trusted roots, an HTTPS client. LiveProbes:
// the live part of a check of a domain (operations/domains/check.h), by hand or by the server.
#pragma once

#include <memory>
#include <vector>

#include "foundation/base/recent.h"
#include "operations/inspection/check.h"
#include "platform/net/connect.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/event.h"
#include "site/config/config.h"
#include "standards/dns/zone.h"

namespace posthorn::server {

/// Lives as long as the question; `resolver` outlives it.
class Prober {
 public:
  /// By the configuration's CAs, port, sources and rule about private addresses.
  [[nodiscard]] static Result<std::unique_ptr<Prober>, Problem> make(const config::Config& config,
                                                                     dns::Resolver& resolver,
                                                                     runtime::Executor executor);
  Prober(dns::Resolver& resolver, runtime::Executor executor);

  [[nodiscard]] inspection::ProbeSurroundings surroundings() {
    return {&resolver_, &dialer_, &loop_, tls_.get(), &trust_};
  }
  [[nodiscard]] const inspection::ProbeOptions& options() const { return options_; }
  [[nodiscard]] https::Client& https() { return *https_; }

 private:
  runtime::SystemClock clock_;
  dns::Resolver& resolver_;
  net::Loop loop_;
  net::TcpDialer dialer_;
  crypto::TrustStore trust_;
  std::unique_ptr<net::ClientTls> tls_;
  std::unique_ptr<https::Client> https_;
  inspection::ProbeOptions options_;
};

/// Connections to MX hosts and the policy host, as the configuration has them. Where it is not `live` (a zone file)
/// only this very machine is connected to: an offline check does not leave it. A host that many domains share is
/// visited once in a while, not once a domain.
class LiveProbes final : public inspection::CheckProbes {
 public:
  LiveProbes(Prober& prober, std::uint16_t https_port, bool is_live)
      : prober_(prober), https_port_(https_port), is_live_(is_live) {}

  [[nodiscard]] Task<inspection::MxProbe> mx(dns::Resolver& resolver, dns::Name host, bool mx_secure,
                                             TimePoint now) override;
  [[nodiscard]] Task<inspection::PolicyProbe> policy(dns::Resolver& resolver, dns::Name domain) override;
  [[nodiscard]] inspection::Reached reached() const override { return reached_; }
  [[nodiscard]] std::uint16_t mx_port() const override { return prober_.options().port; }

 private:
  /// A visit that is under way, or what it found.
  struct Visit {
    TimePoint at;
    std::optional<inspection::MxProbe> found;
    std::vector<runtime::Event> waiting;
  };
  [[nodiscard]] Task<bool> is_reachable(dns::Resolver& resolver, dns::Name host) const;
  [[nodiscard]] Task<inspection::MxProbe> visit(dns::Resolver& resolver, dns::Name host, bool mx_secure, TimePoint now);

  Prober& prober_;
  std::uint16_t https_port_;
  bool is_live_;
  inspection::Reached reached_;
  static constexpr std::size_t visits_kept_max = 500;  // ours: hosts that many domains share
  Recent<std::pair<dns::Name, bool>, std::shared_ptr<Visit>> visits_{visits_kept_max};
};

/// Everything that inspection::check_domain works with over one source, for `domain check` and for the server's own
/// checks.
class CheckBench {
 public:
  /// A zone file is read here. `transfer`: a server is asked for the whole zone, too (AXFR). On the executor's thread,
  /// where it is also destroyed.
  [[nodiscard]] static Result<std::unique_ptr<CheckBench>, Problem> make(const config::Config& config,
                                                                         const resolver::Source& source,
                                                                         runtime::Clock& clock,
                                                                         runtime::Executor executor,
                                                                         bool transfer = false);
  [[nodiscard]] inspection::CheckSource& source() { return *source_; }
  [[nodiscard]] inspection::CheckProbes& probes() { return *probes_; }

 private:
  dns::Zone zone_;
  std::unique_ptr<inspection::CheckSource> source_;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<LiveProbes> probes_;
};

}  // namespace posthorn::server
