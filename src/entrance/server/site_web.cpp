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

Task<Result<void, Problem>> SiteServer::open_certificates() {
  acme_transport_ = certificates::https_transport(*https_);
  certificates::Surroundings around{store_.get(),      keyring_.get(),        &process_.clock(),
                                    &pages_->tokens(), acme_transport_.get(), log_};
  certificates::Options options{config_.acme.directory, config_.acme.contact};
  certificates_ = std::make_unique<certificates::Certificates>(
      std::move(around), std::move(options), [this] { return names_for_certificates(); },
      [this] {
        if (auto used = use_certificates(config_.tls); !used)
          log_.error("new certificates are not used", {{"reason", used.error().text()}});
      });
  co_await certificates_->load();
  co_return use_certificates(config_.tls);
}

std::vector<std::vector<std::string>> SiteServer::names_for_certificates() const {
  std::vector<std::string> own{config_.host_name};
  own.insert(own.end(), config_.acme.names.begin(), config_.acme.names.end());
  std::vector<std::vector<std::string>> wanted{std::move(own)};
  const auto snapshot = directory_->snapshot();
  for (const directory::Domain* domain : snapshot->domains()) {
    const domains::Model model = domains::read_model(domain->row);
    if (model.sts && model.sts_hosted_here)
      wanted.push_back({std::string(domains::policy_host_label) + domain->row.name});
  }
  return wanted;
}

Result<void, Problem> SiteServer::use_certificates(const config::Tls& tls) {
  auto configured = read_certificates(tls);
  if (!configured) return fail(std::move(configured.error()));
  std::vector<net::CertificateAndKey> all;
  // Issued ones first: they take the place of self-signed ones for the same names.
  if (certificates_)
    for (const certificates::Issued& issued : certificates_->issued())
      all.push_back({issued.chain_pem, issued.key_pem});
  std::ranges::move(*configured, std::back_inserter(all));
  if (all.empty() || !server_tls_) return {};
  return server_tls_->replace(all);
}

}  // namespace posthorn::server
