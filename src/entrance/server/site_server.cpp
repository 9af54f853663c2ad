#include "entrance/server/site_server.h"

#include <fmt/format.h>

#include "entrance/server/settings.h"
#include "operations/transition/key_witness.h"
#include "platform/runtime/deadline.h"
#include "platform/runtime/files.h"

namespace posthorn::server {

SiteServer::SiteServer(Process& process, config::Config config, Replacements replacements)
    : process_(process),
      config_(std::move(config)),
      started_with_(config_),
      log_(std::move(replacements.log)),
      sessions_("sessions", log_),
      housekeeping_("housekeeping", log_),
      resolver_(std::move(replacements.resolver)) {}

SiteServer::~SiteServer() {
  // Where a start failed: the store's observers are about to go.
  if (store_) store_->close();
}

Task<Result<std::unique_ptr<SiteServer>, Problem>> SiteServer::start(Process& process, config::Config config,
                                                                     Replacements replacements) {
  // Names in memory (the demo's) have no servers to ask.
  const bool given_names = replacements.resolver != nullptr;
  std::unique_ptr<SiteServer> site(new SiteServer(process, std::move(config), std::move(replacements)));
  if (auto done = site->read_keys(); !done) co_return fail(std::move(done.error()));
  if (auto done = site->open_store(); !done) co_return fail(std::move(done.error()));
  co_await site->directory_->load();
  std::filesystem::path sealing_key = sealing_key_file(site->config_);
  if (const auto problem = co_await site->keyring_->start(std::move(sealing_key)))
    site->log_.error("mail leaves without DKIM signatures", {{"reason", problem->text()}});
  if (auto done = site->make_transport(); !done) co_return fail(std::move(done.error()));
  if (auto done = site->make_road(); !done) co_return fail(std::move(done.error()));
  if (!given_names)
    if (auto done = co_await site->open_file_keys(); !done) co_return fail(std::move(done.error()));
  if (auto done = site->open_doors(); !done) co_return fail(std::move(done.error()));
  if (auto done = site->open_access(); !done) co_return fail(std::move(done.error()));
  if (auto done = co_await site->open_web(); !done) co_return fail(std::move(done.error()));
  if (auto done = site->open_administration(); !done) co_return fail(std::move(done.error()));
  if (auto done = co_await site->queue_->start(); !done) co_return fail(std::move(done.error()));
  if (!given_names) site->make_watcher();
  site->start_work();
  co_return site;
}

Result<void, Problem> SiteServer::read_keys() {
  auto certificates = read_certificates(config_.tls, config_.file);
  if (!certificates) return fail(std::move(certificates.error()));
  if (!certificates->empty()) {
    auto tls = net::ServerTls::make(*certificates);
    if (!tls) return fail(std::move(tls.error()));
    server_tls_ = std::move(*tls);
  }
  auto client = net::ClientTls::make({config_.tls.ca_file, config_.tls.ca_file.empty()});
  if (!client) return fail(at_key(config_.file, "tls.ca_file", std::move(client.error())));
  client_tls_ = std::move(*client);
  if (resolver_) {
    key_witness_ = transition::resolver_witness(*resolver_);
    return {};
  }
  auto witness = transition::make_key_witness(config_.dns_source, *process_.net_loops().front(), process_.clock(),
                                              process_.random());
  if (!witness) return fail(at_key(config_.file, "dns.source", std::move(witness.error())));
  key_witness_ = std::move(*witness);
  auto source = resolver::parse_source(config_.dns_source);
  if (!source) return fail(std::move(source.error()));
  resolver::Options options;
  options.source = std::move(*source);
  auto anchors = trust_anchors(config_);
  if (!anchors) return fail(std::move(anchors.error()));
  options.trust_anchor = std::move(*anchors);
  for (const net::Loop* loop : process_.net_loops()) options.loops.push_back(loop->executor());
  auto resolver = resolver::make_resolver(options, process_.clock(), process_.loops().executor(0));
  if (!resolver) return fail(at_key(config_.file, "dns.source", std::move(resolver.error())));
  resolver_ = std::move(*resolver);
  // docs/decisions/0061: a server that the operator names is taken at its word by SPF, DKIM, DMARC and iprev.
  if (!std::holds_alternative<net::Endpoint>(options.source) || !options.trust_anchor.empty()) return {};
  options.validates = false;
  auto trusting = resolver::make_resolver(options, process_.clock(), process_.loops().executor(0));
  if (!trusting) return fail(std::move(trusting.error()));
  trusting_resolver_ = std::move(*trusting);
  return {};
}

Result<void, Problem> SiteServer::open_store() {
  storage::StoreOptions options;
  options.dir = config_.store_dir;
  options.create = true;
  options.intake_memory_max = config_.limits.intake_memory;
  options.clock = &process_.clock();
  options.log = log_;
  auto store = storage::Store::open(options);
  if (!store) return fail(std::move(store.error()));
  store_ = std::move(*store);
  directory_ = directory::Directory::make(*store_, group_bounds(config_.limits));
  keyring_ = keyring::Keyring::make(*store_);
  return {};
}

Result<void, Problem> SiteServer::make_transport() {
  auto https = https::Client::make(*resolver_, https_options(config_));
  if (!https) return fail(std::move(https.error()));
  https_ = std::move(*https);
  policy_fetcher_ = std::make_unique<relay::HttpsPolicyFetcher>(*https_, config_.mta_sts.https_port);
  sts_policies_ = std::make_unique<relay::StsPolicies>(*store_, *resolver_, *policy_fetcher_, process_.clock());
  tls_ledger_ = std::make_unique<relay::TlsLedger>(*store_, process_.clock());
  return {};
}

Result<void, Problem> SiteServer::make_road() {
  const config::Limits& limits = config_.limits;
  authenticator_ = std::make_unique<directory::Authenticator>(*directory_, *store_, process_.workers(),
                                                              process_.clock(), guess_limits(limits));
  signing_ = std::make_unique<signing::Signing>(*keyring_, process_.workers());
  journal_ = std::make_unique<journal::Journal>(*store_);
  folders_ = std::make_unique<mailbox::Folders>(*store_);
  mailboxes_ = std::make_unique<mailbox::Mailboxes>(*store_, *folders_, process_.clock(), process_.ids(),
                                                    mailbox_options(config_), log_);
  delivery_ =
      std::make_unique<delivery::Delivery>(delivery::Surroundings{store_.get(), directory_.get(), folders_.get(),
                                                                  &process_.clock(), &process_.ids(), signing_.get()},
                                           delivery_rules(config_));
  const queue::Routes routes(config_.relay.routes);
  office_ = std::make_unique<relay::RelayOffice>(
      relay::Surroundings{process_.net_loops(), &process_.dialer(), resolver_.get(), store_.get(), client_tls_.get(),
                          &process_.random(), sts_policies_.get()},
      relay::options_from(config_), routes);
  office_->observe([this](const relay::TlsOutcome& outcome) { tls_ledger_->note(outcome); });
  queue::Surroundings around;
  around.store = store_.get();
  around.clock = &process_.clock();
  around.ids = &process_.ids();
  around.office = office_.get();
  around.acceptor = delivery_.get();
  for (net::Loop* loop : process_.net_loops()) around.executors.push_back(loop->executor());
  around.log = log_;
  around.metrics = &metrics_;
  around.host_name = config_.host_name;
  queue_ = queue::Queue::create(std::move(around), queue::Policy::from(config_), routes);
  store_->observe([this](std::span<const storage::CommittedUnit> units) { queue_->committed(units); });
  return {};
}

Result<void, Problem> SiteServer::open_doors() {
  connections_ =
      std::make_unique<net::ConnectionLimits>(config_.limits.connections, config_.limits.connections_per_address);
  rates_ =
      std::make_unique<submission::RateLimiter>(config_.limits.messages_per_hour, config_.limits.recipients_per_hour);
  delivery::Doorway doorway{store_.get(),      directory_.get(), delivery_.get(), journal_.get(),
                            &process_.clock(), &process_.ids(),  &metrics_,       config_.host_name};
  dns::Resolver* const names = trusting_resolver_ ? trusting_resolver_.get() : resolver_.get();
  reception::Reception::Trust trust{{names, &process_.clock(), &housekeeping_}, {&remembered_}};
  reception_ = std::make_unique<reception::Reception>(doorway, std::move(trust), config_.verification);
  submission_ = std::make_unique<submission::Submission>(doorway, *authenticator_, *rates_);
  const config::Listen& listen = config_.listen;
  if (auto done = open_service("smtp", smtp::server::Role::reception, listen.smtp, *reception_); !done) return done;
  if (auto done = open_service("submission", smtp::server::Role::submission, listen.submission, *submission_); !done)
    return done;
  if (auto done = open_service("submissions", smtp::server::Role::submissions, listen.submissions, *submission_); !done)
    return done;
  directory_->observe_revocations([this](const directory::Revocation& revocation) {
    for (const Door& door : doors_) {
      if (door.role == smtp::server::Role::reception) continue;
      door.service->end_where([revocation](smtp_service::SessionHandler& session) {
        return submission::Submission::is_revoked(session, revocation);
      });
    }
  });
  return {};
}

Result<void, Problem> SiteServer::open_service(const char* name, smtp::server::Role role,
                                               const std::vector<config::Endpoint>& at,
                                               smtp_service::HandlerFactory& handlers) {
  if (at.empty()) return {};
  if (role != smtp::server::Role::reception && !server_tls_)
    return fail(Problem{ProblemKind::usage, fmt::format("cannot open listen.{}", name),
                        "passwords are taken under TLS only, and no certificate is configured",
                        "set tls.certificate and tls.key"});
  smtp_service::Surroundings around{
      process_.net_loops(), &sessions_, &process_.ids(), connections_.get(), &handlers, &metrics_, log_, name};
  auto service = smtp_service::SmtpService::open(
      std::move(around), at, smtp_settings(config_, role, server_tls_, directory_->unknown_login_secret()));
  if (!service) {
    Problem problem = std::move(service.error());
    problem.what += fmt::format(" (listen.{})", name);
    return fail(std::move(problem));
  }
  for (const net::Endpoint& endpoint : (*service)->local()) listening_.push_back({name, endpoint});
  doors_.push_back({role, std::move(*service)});
  return {};
}

Result<void, Problem> SiteServer::open_access() {
  access::ImapSurroundings around;
  around.store = store_.get();
  around.directory = directory_.get();
  around.authenticator = authenticator_.get();
  around.mailboxes = mailboxes_.get();
  around.workers = &process_.workers();
  around.clock = &process_.clock();
  around.ids = &process_.ids();
  around.metrics = &metrics_;
  around.tasks = &sessions_;
  imap_ = std::make_unique<access::ImapDoor>(around,
                                             access_settings(config_, server_tls_, directory_->unknown_login_secret()));
  if (auto done = open_access_service("imap", *imap_, config_.listen.imap, false); !done) return done;
  if (auto done = open_access_service("imaps", *imap_, config_.listen.imaps, true); !done) return done;
  const access::Pop3Surroundings fetching{directory_.get(), authenticator_.get(), mailboxes_.get(), store_.get()};
  pop3_ = std::make_unique<access::Pop3Door>(fetching,
                                             access_settings(config_, server_tls_, directory_->unknown_login_secret()));
  if (auto done = open_access_service("pop3", *pop3_, config_.listen.pop3, false); !done) return done;
  if (auto done = open_access_service("pop3s", *pop3_, config_.listen.pop3s, true); !done) return done;
  directory_->observe_revocations([this](const directory::Revocation& revocation) {
    for (const auto& service : access_services_) service->end_revoked(revocation);
  });
  return {};
}

Result<void, Problem> SiteServer::open_access_service(const char* name, access::Door& door,
                                                      const std::vector<config::Endpoint>& at, bool implicit_tls) {
  if (at.empty()) return {};
  if (!server_tls_)
    return fail(Problem{ProblemKind::usage, fmt::format("cannot open listen.{}", name),
                        "passwords are taken under TLS only, and no certificate is configured",
                        "set tls.certificate and tls.key"});
  access::ServiceSurroundings around;
  around.loops = process_.net_loops();
  around.tasks = &sessions_;
  around.ids = &process_.ids();
  around.limits = connections_.get();
  around.door = &door;
  around.metrics = &metrics_;
  around.log = log_;
  around.name = name;
  around.implicit_tls = implicit_tls;
  auto service = access::Service::open(std::move(around), at);
  if (!service) {
    Problem problem = std::move(service.error());
    problem.what += fmt::format(" (listen.{})", name);
    return fail(std::move(problem));
  }
  for (const net::Endpoint& endpoint : (*service)->local()) listening_.push_back({name, endpoint});
  access_services_.push_back(std::move(*service));
  return {};
}

Result<void, Problem> SiteServer::open_administration() {
  net::Loop& loop = *process_.net_loops().front();
  control_ = std::make_unique<admin::ControlServer>(loop, [this] { return admin_site(); }, log_);
  if (auto done = control_->open(config_.store_dir); !done) return done;
  if (config_.listen.metrics.empty()) return {};
  watch_process();
  metrics_server_ = std::make_unique<admin::MetricsServer>(loop, metrics_, [] { return std::string(); }, log_);
  for (const net::Endpoint& endpoint : config_.listen.metrics) {
    auto at = metrics_server_->open(endpoint);
    if (!at) return fail(std::move(at.error()));
    listening_.push_back({"metrics", *at});
  }
  return {};
}

void SiteServer::make_watcher() {
  const runtime::Executor& first = process_.net_loops().front()->executor();
  eye_ = std::make_unique<SiteWatch>(*store_, *directory_, *keyring_, process_.clock(), first,
                                     [this] { return present_config(); });
  inspection::Watcher::Surroundings around{store_.get(), &process_.clock(), &process_.ids(), delivery_.get(), &metrics_,
                                           log_,         eye_.get(),        &housekeeping_};
  watcher_ = std::make_unique<inspection::Watcher>(std::move(around), watch_options(config_));
}

void SiteServer::start_work() {
  const runtime::Executor& first = process_.net_loops().front()->executor();
  runtime::spawn(housekeeping_, first, "control socket", control_->run());
  if (metrics_server_) runtime::spawn(housekeeping_, first, "metrics", metrics_server_->run());
  runtime::spawn(housekeeping_, first, "housekeeping", keep_house());
  runtime::spawn(housekeeping_, first, "key states", keep_keys());
  runtime::spawn(housekeeping_, first, "transport", keep_transport());
  if (watcher_) runtime::spawn(housekeeping_, first, "domain watch", watcher_->run());
  if (web_) runtime::spawn(housekeeping_, first, "web", web_->run());
  if (certificates_) runtime::spawn(housekeeping_, first, "certificates", certificates_->keep());
  if (file_keys_) runtime::spawn(housekeeping_, first, "keys from files", file_keys_->keep());
  if (server_tls_) runtime::spawn(housekeeping_, first, "certificates' ends", watch_expiry());
  for (const Door& door : doors_) door.service->start();
  for (const auto& service : access_services_) service->start();
  for (const Listening& each : listening_)
    log_.info("listening", {{"service", each.service}, {"address", each.at.text()}});
}

Task<> SiteServer::stop(Duration grace) {
  log_.info("stopping");
  const TimePoint deadline = process_.clock().now() + grace;
  for (const Door& door : doors_) door.service->stop();
  for (const auto& service : access_services_) service->stop();
  Task<> sessions_end = sessions_.join();
  co_await runtime::run_until(process_.clock(), deadline, std::move(sessions_end));
  sessions_.cancel();
  co_await sessions_.join();
  co_await queue_->stop(std::max(Duration::zero(), deadline - process_.clock().now()));
  co_await control_->stop();
  if (metrics_server_) co_await metrics_server_->stop();
  if (web_) co_await web_->stop();
  housekeeping_.cancel();
  co_await housekeeping_.join();
  journal_->flush();
  authenticator_->flush_last_used();
  co_await tls_ledger_->flush();
  storage::Store* store = store_.get();
  auto close = [store] {
    store->close();
    return true;
  };
  (void)co_await process_.workers().run(std::move(close));
  log_.info("stopped");
}

config::Config SiteServer::present_config() const {
  const std::lock_guard lock(config_mutex_);
  return config_;
}

Result<std::vector<std::string>, config::Problems> SiteServer::reload() {
  auto next = config::load(present_config().file);
  if (!next) return fail(std::move(next.error()));
  if (auto used = use_certificates(next->tls); !used) return fail(config::Problems{std::move(used.error())});
  std::vector<std::string> waiting = config::needs_restart(started_with_, *next);
  for (const std::string& key : waiting) log_.warning("this change takes effect at the next start", {{"key", key}});
  apply(std::move(*next));
  // A new key in the files: what the DNS says of it is looked at now.
  if (file_keys_)
    runtime::spawn(housekeeping_, process_.net_loops().front()->executor(), "keys from files", file_keys_->look());
  log_.info("configuration read again");
  return waiting;
}

void SiteServer::apply(config::Config config) {
  // These name what is running (greetings, stored mail): half of the server must not change them before the other.
  config.host_name = config_.host_name;
  config.store_dir = config_.store_dir;
  log_.set_level(config.log_level);
  log_.reopen();
  connections_->set(config.limits.connections, config.limits.connections_per_address);
  rates_->set(config.limits.messages_per_hour, config.limits.recipients_per_hour);
  delivery_->reconfigure(delivery_rules(config));
  reception_->reconfigure(config.verification);
  const queue::Routes routes(config.relay.routes);
  office_->reconfigure(relay::options_from(config), routes);
  queue_->reconfigure(queue::Policy::from(config), routes);
  for (const Door& door : doors_)
    door.service->reconfigure(smtp_settings(config, door.role, server_tls_, directory_->unknown_login_secret()));
  imap_->reconfigure(access_settings(config, server_tls_, directory_->unknown_login_secret()));
  pop3_->reconfigure(access_settings(config, server_tls_, directory_->unknown_login_secret()));
  mailboxes_->set_undelete_time(config.limits.undelete_time);
  if (watcher_) watcher_->reconfigure(watch_options(config));
  const std::lock_guard lock(config_mutex_);
  config_ = std::move(config);
}

admin::Site SiteServer::admin_site() {
  admin::Site site;
  site.config = present_config();
  site.store = store_.get();
  site.directory = directory_.get();
  site.keyring = keyring_.get();
  site.key_witness = key_witness_.get();
  site.clock = &process_.clock();
  site.ids = &process_.ids();
  site.workers = &process_.workers();
  site.queue = queue_.get();
  site.certificates = certificates_.get();
  site.file_keys = file_keys_.get();
  site.folders = folders_.get();
  site.mailboxes = mailboxes_.get();
  site.submission = submission_.get();
  site.reload = [this] { return reload(); };
  return site;
}

}  // namespace posthorn::server
