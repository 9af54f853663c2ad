// SiteServer: one running site, from its configuration to its services. The composition root: the only place that
// knows all rooms.
//
// start() and stop() run on any loop of the process; everything else is thread-safe where it says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "entrance/admin/control.h"
#include "entrance/admin/metrics_server.h"
#include "entrance/server/process.h"
#include "entrance/server/site_pages.h"
#include "entrance/server/site_watch.h"
#include "entrance/server/zone_publishers.h"
#include "flow/access/imap.h"
#include "flow/access/pop3.h"
#include "flow/access/service.h"
#include "flow/delivery/delivery.h"
#include "flow/mailbox/folders.h"
#include "flow/mailbox/mailboxes.h"
#include "flow/queue/queue.h"
#include "flow/reception/reception.h"
#include "flow/relay/relay.h"
#include "flow/relay/tls_ledger.h"
#include "flow/smtp_service/service.h"
#include "flow/submission/submission.h"
#include "flow/verification/remembered.h"
#include "operations/certificates/certificates.h"
#include "operations/certificates/expiry.h"
#include "operations/certificates/file_keys.h"
#include "operations/transition/key_states.h"
#include "platform/https/client.h"
#include "platform/resolver/resolver.h"
#include "site/directory/authenticator.h"
#include "site/journal/journal.h"

namespace posthorn::server {

/// Where a service really listens (port 0 of the configuration filled in).
struct Listening {
  std::string service;  ///< "smtp", "submission", "submissions", "imap", "imaps", "metrics"
  net::Endpoint at;
};

class SiteServer {
 public:
  struct Replacements {
    /// Instead of dns.source: the demo's zones in memory.
    std::unique_ptr<dns::Resolver> resolver;
    runtime::Logger log;
  };
  /// Opens the store (made where it is missing), listens, begins to work. The process's loops run.
  [[nodiscard]] static Task<Result<std::unique_ptr<SiteServer>, Problem>> start(Process& process, config::Config config,
                                                                                Replacements replacements);
  ~SiteServer();

  /// In order: no new connections, sessions and couriers finish within `grace`, the store closes.
  [[nodiscard]] Task<> stop(Duration grace);
  /// SIGHUP: reads the file again; the keys whose change waits for the next start. Nothing changes when it has a fault.
  /// Thread-safe.
  [[nodiscard]] Result<std::vector<std::string>, config::Problems> reload();

  [[nodiscard]] const std::vector<Listening>& listening() const { return listening_; }
  [[nodiscard]] storage::Store& store() { return *store_; }
  [[nodiscard]] directory::Directory& directory() { return *directory_; }
  [[nodiscard]] keyring::Keyring& keyring() { return *keyring_; }
  /// What administrative verbs work with.
  [[nodiscard]] admin::Site admin_site();

 private:
  SiteServer(Process& process, config::Config config, Replacements replacements);

  // start() in its steps; each leaves what the next needs.
  [[nodiscard]] Result<void, Problem> read_keys();
  [[nodiscard]] Result<void, Problem> open_store();
  [[nodiscard]] Result<void, Problem> make_transport();
  [[nodiscard]] Result<void, Problem> make_road();
  [[nodiscard]] Result<void, Problem> open_doors();
  [[nodiscard]] Result<void, Problem> open_service(const char* name, smtp::server::Role role,
                                                   const std::vector<config::Endpoint>& at,
                                                   smtp_service::HandlerFactory& handlers);
  [[nodiscard]] Result<void, Problem> open_access();
  [[nodiscard]] Result<void, Problem> open_access_service(const char* name, access::Door& door,
                                                          const std::vector<config::Endpoint>& at, bool implicit_tls);
  [[nodiscard]] Result<void, Problem> open_administration();
  // site_web.cpp
  [[nodiscard]] Task<Result<void, Problem>> open_web();
  [[nodiscard]] Task<Result<void, Problem>> open_file_keys();
  [[nodiscard]] Task<Result<void, Problem>> open_certificates();
  [[nodiscard]] Result<void, Problem> make_provers();
  [[nodiscard]] std::vector<certificates::Want> wanted_certificates() const;
  [[nodiscard]] bool is_proven_by_dns(std::string_view name) const;
  /// Those of the configuration and those that were issued, for all new handshakes.
  [[nodiscard]] Result<void, Problem> use_certificates(const config::Tls& tls);

  void make_watcher();
  void start_work();
  void watch_process();
  /// Why the server cannot do its work now, for /healthz; empty: it can. Thread-safe.
  [[nodiscard]] std::string unhealthy() const;

  [[nodiscard]] Task<> keep_house();
  /// Takes the DKIM keys through their states.
  [[nodiscard]] Task<> keep_keys();
  [[nodiscard]] Task<> keep_transport();
  [[nodiscard]] Task<> watch_expiry();
  void tell_unvalidated(std::string& told);
  [[nodiscard]] config::Config present_config() const;
  void apply(config::Config config);

  Process& process_;
  mutable std::mutex config_mutex_;
  config::Config config_;
  const config::Config started_with_;  // what has waited for a restart since then still waits after a second reload
  runtime::Logger log_;
  runtime::Metrics metrics_;
  runtime::TaskGroup sessions_;
  runtime::TaskGroup housekeeping_;

  std::shared_ptr<net::ServerTls> server_tls_;
  std::unique_ptr<certificates::RecordWitness> file_witness_;
  std::unique_ptr<net::ClientTls> client_tls_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<dns::Resolver> trusting_resolver_;  ///< for verification; none: resolver_
  std::unique_ptr<storage::Store> store_;
  std::shared_ptr<directory::Directory> directory_;
  std::unique_ptr<directory::Authenticator> authenticator_;
  std::unique_ptr<journal::Journal> journal_;
  std::shared_ptr<keyring::Keyring> keyring_;
  std::unique_ptr<signing::Signing> signing_;
  std::unique_ptr<transition::KeyWitness> key_witness_;
  std::unique_ptr<mailbox::Folders> folders_;
  std::unique_ptr<mailbox::Mailboxes> mailboxes_;
  std::unique_ptr<delivery::Delivery> delivery_;
  std::unique_ptr<https::Client> https_;
  std::unique_ptr<relay::PolicyFetcher> policy_fetcher_;
  std::unique_ptr<relay::StsPolicies> sts_policies_;
  std::unique_ptr<relay::TlsLedger> tls_ledger_;
  std::unique_ptr<relay::RelayOffice> office_;
  std::unique_ptr<queue::Queue> queue_;
  std::unique_ptr<submission::RateLimiter> rates_;
  std::unique_ptr<net::ConnectionLimits> connections_;
  verification::Remembered remembered_;
  std::unique_ptr<reception::Reception> reception_;
  std::unique_ptr<submission::Submission> submission_;

  struct Door {
    smtp::server::Role role{};
    std::unique_ptr<smtp_service::SmtpService> service;
  };
  std::vector<Door> doors_;
  std::unique_ptr<access::ImapDoor> imap_;
  std::unique_ptr<access::Pop3Door> pop3_;
  std::vector<std::unique_ptr<access::Service>> access_services_;
  std::unique_ptr<admin::ControlServer> control_;
  std::unique_ptr<admin::MetricsServer> metrics_server_;
  std::unique_ptr<SiteWatch> eye_;
  std::unique_ptr<inspection::Watcher> watcher_;
  std::unique_ptr<certificates::FileKeys> file_keys_;  ///< where tls.certificate names files
  std::unique_ptr<SitePages> pages_;
  std::unique_ptr<certificates::AcmeTransport> acme_transport_;
  std::unique_ptr<certificates::RecordWitness> record_witness_;
  std::unique_ptr<ZonePublishers> zone_publishers_;
  std::unique_ptr<certificates::HttpProver> http_prover_;
  std::unique_ptr<certificates::DnsProver> dns_prover_;
  std::unique_ptr<certificates::ChosenProver> prover_;
  std::unique_ptr<certificates::Certificates> certificates_;
  std::unique_ptr<admin::WebServer> web_;
  std::vector<Listening> listening_;
};

}  // namespace posthorn::server
