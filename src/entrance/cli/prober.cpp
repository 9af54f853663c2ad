#include "entrance/cli/prober.h"

#include "entrance/server/settings.h"
#include "platform/runtime/files.h"

namespace posthorn::cli {
namespace {

constexpr std::size_t ca_octets_max = 4 * MiB;

}  // namespace

Prober::Prober(dns::Resolver& resolver, runtime::Executor executor)
    : resolver_(resolver), loop_(std::move(executor), clock_) {}

Result<std::unique_ptr<Prober>, Problem> Prober::make(const config::Config& config, dns::Resolver& resolver,
                                                      runtime::Executor executor) {
  auto out = std::make_unique<Prober>(resolver, std::move(executor));
  std::string pem;
  if (!config.tls.ca_file.empty()) {
    auto file = runtime::read_file(config.tls.ca_file, ca_octets_max);
    if (!file) return fail(std::move(file.error()));
    pem = std::move(*file);
  }
  auto trust = crypto::TrustStore::make(pem, pem.empty());
  if (!trust)
    return fail(Problem{ProblemKind::usage, config.tls.ca_file.string(), trust.error(), "give a PEM file of CAs"});
  out->trust_ = std::move(*trust);
  auto tls = net::ClientTls::make({config.tls.ca_file, pem.empty()});
  if (!tls) return fail(std::move(tls.error()));
  out->tls_ = std::move(*tls);
  auto client = https::Client::make(resolver, server::https_options(config));
  if (!client) return fail(std::move(client.error()));
  out->https_ = std::move(*client);
  out->options_.host_name = config.host_name.empty() ? "localhost" : config.host_name;
  out->options_.port = config.relay.mx_port;
  out->options_.source = config.relay.source;
  out->options_.allow_private = config.relay.allow_private;
  return out;
}

}  // namespace posthorn::cli
