#include "entrance/server/prober.h"

#include <algorithm>

#include "entrance/server/settings.h"
#include "operations/inspection/check_network.h"
#include "platform/runtime/files.h"

namespace posthorn::server {
namespace {

constexpr std::size_t ca_octets_max = 4 * MiB;
constexpr Duration visit_holds = std::chrono::minutes(10);  // ours: until a host is looked at again

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
  auto client = https::Client::make(resolver, https_options(config));
  if (!client) return fail(std::move(client.error()));
  out->https_ = std::move(*client);
  out->options_.host_name = config.host_name.empty() ? "localhost" : config.host_name;
  out->options_.port = config.relay.mx_port;
  out->options_.source = config.relay.source;
  out->options_.allow_private = config.relay.allow_private;
  return out;
}

Task<inspection::MxProbe> LiveProbes::mx(dns::Resolver& resolver, dns::Name host, bool mx_secure, TimePoint now) {
  const auto key = std::pair(host, mx_secure);
  const std::shared_ptr<Visit>* const known = visits_.find(key);
  if (known != nullptr && (!(*known)->found || now - (*known)->at < visit_holds)) {
    const std::shared_ptr<Visit> visited = *known;
    if (!visited->found) {
      const runtime::Event done;
      visited->waiting.push_back(done);
      co_await done.wait();
    }
    co_return *visited->found;
  }
  const auto mine = std::make_shared<Visit>();
  mine->at = now;
  visits_.put(key, mine);
  mine->found = co_await visit(resolver, std::move(host), mx_secure, now);
  for (const runtime::Event& waiting : mine->waiting) waiting.set();
  co_return *mine->found;
}

Task<inspection::MxProbe> LiveProbes::visit(dns::Resolver& resolver, dns::Name host, bool mx_secure, TimePoint now) {
  inspection::ProbeOptions options = prober_.options();
  const bool may_connect = co_await is_reachable(resolver, host);
  options.dns_only = !may_connect;
  inspection::ProbeSurroundings with = prober_.surroundings();
  with.resolver = &resolver;
  inspection::MxProbe probe = co_await inspection::probe_mx(with, std::move(options), std::move(host), mx_secure, now);
  reached_.note(probe);
  co_return probe;
}

Task<inspection::PolicyProbe> LiveProbes::policy(dns::Resolver& resolver, dns::Name domain) {
  const auto host = domain.child("mta-sts");
  const bool may_connect = host && co_await is_reachable(resolver, *host);
  if (may_connect)
    co_return co_await inspection::probe_policy(resolver, prober_.https(), std::move(domain), https_port_);
  inspection::PolicyProbe probe;
  probe.domain = domain;
  probe.record = co_await mta_sts::find_record(resolver, std::move(domain));
  co_return probe;
}

Task<bool> LiveProbes::is_reachable(dns::Resolver& resolver, dns::Name host) const {
  if (is_live_) co_return true;
  const dns::AddressLookup found = co_await dns::lookup_addresses(resolver, std::move(host));
  co_return !found.addresses.empty() &&
      std::ranges::all_of(found.addresses, [](const IpAddress& a) { return a.is_loopback(); });
}

Result<std::unique_ptr<CheckBench>, Problem> CheckBench::make(const config::Config& config,
                                                              const resolver::Source& source, runtime::Clock& clock,
                                                              runtime::Executor executor, bool transfer) {
  auto bench = std::make_unique<CheckBench>();
  if (const auto* file = std::get_if<resolver::ZoneFile>(&source)) {
    auto text = runtime::read_file(file->path, dns::zone_file_octets_max);
    if (!text) return fail(std::move(text.error()));
    auto parsed = dns::Zone::parse(*text);
    if (!parsed)
      return fail(Problem{ProblemKind::usage, "cannot read the zone file " + file->path.string(), parsed.error().text(),
                          "correct that line"});
    bench->zone_ = std::move(*parsed);
    bench->source_ = inspection::make_zone_source(bench->zone_);
  } else {
    inspection::NetworkSourceOptions asking;
    asking.source = source;
    asking.transfer = transfer;
    asking.client.in_flight_max = static_cast<unsigned>(config.limits.dns_questions_at_a_server);
    auto anchors = trust_anchors(config);
    if (!anchors) return fail(std::move(anchors.error()));
    asking.trust_anchor = std::move(*anchors);
    auto made = inspection::make_network_source(asking, clock, executor);
    if (!made) return fail(std::move(made.error()));
    bench->source_ = std::move(*made);
  }
  auto prober = Prober::make(config, bench->source_->resolver(), std::move(executor));
  if (!prober) return fail(std::move(prober.error()));
  bench->prober_ = std::move(*prober);
  bench->probes_ = std::make_unique<LiveProbes>(*bench->prober_, config.mta_sts.https_port, bench->source_->is_live());
  return bench;
}

}  // namespace posthorn::server
