// SiteServer's web listeners and the certificates that an authority issues.
#include <fmt/format.h>

#include "entrance/server/settings.h"
#include "entrance/server/site_server.h"
#include "operations/domains/model.h"

namespace posthorn::server {

Task<Result<void, Problem>> SiteServer::open_web() {
  pages_ = std::make_unique<SitePages>(*store_, process_.clock());
  if (!config_.acme.directory.empty())
    if (auto done = co_await open_certificates(); !done) co_return fail(std::move(done.error()));
  const config::Listen& listen = config_.listen;
  if (listen.http.empty() && listen.https.empty()) co_return Result<void, Problem>{};
  web_ = std::make_unique<admin::WebServer>(*process_.net_loops().front(), *pages_, server_tls_, log_);
  for (const bool secure : {false, true}) {
    const char* const service = secure ? "https" : "http";
    for (const net::Endpoint& endpoint : secure ? listen.https : listen.http) {
      auto at = web_->open(endpoint, secure);
      if (!at) {
        at.error().what += fmt::format(" (listen.{})", service);
        co_return fail(std::move(at.error()));
      }
      listening_.push_back({service, *at});
    }
  }
  co_return Result<void, Problem>{};
}

/// Both kinds of proof, and who sees records at all servers of a zone.
Result<void, Problem> SiteServer::make_provers() {
  net::Loop& loop = *process_.net_loops().front();
  auto witness = certificates::make_record_witness(config_.dns_source, process_.clock(), loop.executor());
  if (!witness) return fail(std::move(witness.error()));
  record_witness_ = std::move(*witness);
  zone_publishers_ = std::make_unique<ZonePublishers>(*directory_, loop, process_.dialer(), process_.random());
  http_prover_ = std::make_unique<certificates::HttpProver>(pages_->tokens());
  dns_prover_ =
      std::make_unique<certificates::DnsProver>(*store_, process_.clock(), *record_witness_, *zone_publishers_, log_);
  prover_ = std::make_unique<certificates::ChosenProver>(
      *http_prover_, *dns_prover_, [this](std::string_view name) { return is_proven_by_dns(name); });
  return {};
}

/// Before the first door is open: a key that has to wait is never shown.
Task<Result<void, Problem>> SiteServer::open_file_keys() {
  if (config_.tls.certificate.empty() || !server_tls_) co_return Result<void, Problem>{};
  auto witness =
      certificates::make_record_witness(config_.dns_source, process_.clock(), process_.net_loops().front()->executor());
  if (!witness) co_return fail(std::move(witness.error()));
  file_witness_ = std::move(*witness);
  const auto use_again = [this] {
    if (auto used = use_certificates(present_config().tls); !used)
      log_.error("a new key is not used", {{"reason", used.error().text()}});
  };
  file_keys_ = std::make_unique<certificates::FileKeys>(
      certificates::FileKeys::Surroundings{store_.get(), keyring_.get(), &process_.clock(), file_witness_.get(), log_},
      config_.host_name, use_again);
  co_await file_keys_->load();
  co_return use_certificates(config_.tls);
}

Task<Result<void, Problem>> SiteServer::open_certificates() {
  if (auto made = make_provers(); !made) co_return fail(std::move(made.error()));
  acme_transport_ = certificates::https_transport(*https_);
  certificates::Surroundings around{store_.get(),          keyring_.get(),        &process_.clock(),
                                    prover_.get(),         acme_transport_.get(), log_,
                                    record_witness_.get(), dns_prover_.get(),     zone_publishers_.get()};
  certificates::Options options{config_.acme.directory, config_.acme.contact, config_.acme.key_age};
  certificates_ = std::make_unique<certificates::Certificates>(
      std::move(around), std::move(options), [this] { return wanted_certificates(); },
      [this] {
        if (auto used = use_certificates(present_config().tls); !used)
          log_.error("new certificates are not used", {{"reason", used.error().text()}});
      });
  co_await certificates_->load();
  co_return use_certificates(config_.tls);
}

bool SiteServer::is_proven_by_dns(std::string_view name) const {
  if (config_.acme.challenge == config::AcmeChallenge::dns_01) return true;
  return std::ranges::any_of(config_.acme.dns_01, [name](const std::string& domain) {
    return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
  });
}

std::vector<certificates::Want> SiteServer::wanted_certificates() const {
  certificates::Want own{{config_.host_name}, true};
  own.names.insert(own.names.end(), config_.acme.names.begin(), config_.acme.names.end());
  std::vector<certificates::Want> wanted{std::move(own)};
  const auto snapshot = directory_->snapshot();
  for (const directory::Domain* domain : snapshot->domains()) {
    const domains::Model model = domains::read_model(domain->row);
    if (model.sts && model.sts_hosted_here)
      wanted.push_back({{std::string(domains::policy_host_label) + domain->row.name}, false});
  }
  return wanted;
}

/// What ends soon is told: an authority that does not renew, a file that nobody has replaced.
Task<> SiteServer::watch_expiry() {
  constexpr Duration between_looks = std::chrono::minutes(10);
  certificates::ExpiryWatch watch(metrics_, log_);
  for (;;) {
    watch.look(server_tls_->certificates(), process_.clock().now());
    co_await process_.clock().wait_for(between_looks);
  }
}

Result<void, Problem> SiteServer::use_certificates(const config::Tls& tls) {
  auto configured = read_certificates(tls, config_.file);
  if (!configured) return fail(std::move(configured.error()));
  std::vector<net::CertificateAndKey> all;
  // Issued ones first: they take the place of self-signed ones for the same names.
  if (certificates_)
    for (const certificates::Issued& issued : certificates_->issued())
      all.push_back({issued.chain_pem, issued.key_pem});
  if (file_keys_) *configured = file_keys_->choose(std::move(*configured));
  std::ranges::move(*configured, std::back_inserter(all));
  if (all.empty() || !server_tls_) return {};
  return server_tls_->replace(all);
}

}  // namespace posthorn::server
