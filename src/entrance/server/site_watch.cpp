#include "entrance/server/site_watch.h"

#include "entrance/admin/surroundings.h"
#include "entrance/server/prober.h"
#include "operations/certificates/file_keys.h"
#include "operations/transition/key_states.h"

namespace posthorn::server {
namespace {

/// Who is told: the domain's own postmaster where its mail is here, else the site's.
std::string postmaster_of(const directory::Snapshot& snapshot, const directory::Domain& domain) {
  if (domain.hosted && !domain.is_parked() && snapshot.postmaster(domain.row.name) != nullptr)
    return "postmaster@" + domain.row.name;
  const directory::Account* postmaster = snapshot.postmaster("");
  return postmaster != nullptr ? postmaster->row.address : std::string{};
}

}  // namespace

std::vector<inspection::WatchEye::Watched> SiteWatch::domains() {
  std::vector<Watched> out;
  const auto snapshot = directory_.snapshot();
  for (const directory::Domain* domain : snapshot->domains()) {
    const auto state = domains::parse_state(domain->row.state);
    out.push_back({domain->row.name, state.value_or(domains::State::draft), postmaster_of(*snapshot, *domain)});
  }
  return out;
}

Task<Result<inspection::WatchEye::Look, Problem>> SiteWatch::look(std::string domain) {
  const auto snapshot = directory_.snapshot();
  const directory::Domain* known = snapshot->domain(domain);
  auto name = dns::Name::parse(domain);
  if (known == nullptr || !name)
    co_return fail(Problem{ProblemKind::no, domain, "this domain is not here any more", ""});
  const config::Config config = config_();
  auto source = resolver::parse_source(config.dns_source);
  if (!source) co_return fail(std::move(source.error()));
  auto bench = CheckBench::make(config, *source, clock_, executor_);
  if (!bench) co_return fail(std::move(bench.error()));

  inspection::Expectation expectation;
  expectation.model = domains::read_model(known->row);
  expectation.around = admin::surroundings_of(config);
  expectation.around.keys = transition::own_keys(keyring_, domain);
  auto host_keys = [](storage::Reader& reader) { return certificates::host_keys(reader); };
  const std::vector<storage::KeyRow> rows = co_await store_.read(std::move(host_keys));
  admin::put_tls_keys(expectation.around, rows);
  if (!expectation.around.tlsa_next.empty()) expectation.next_key_tlsa = expectation.around.tlsa_next;
  expectation.allow_private = config.relay.allow_private;
  auto question = [key = domains::policy_log_key(domain)](storage::Reader& reader) { return reader.setting(key); };
  expectation.policies = domains::parse_policy_log(co_await store_.read(std::move(question)));
  auto ledger = [key = domains::ledger_key(domain)](storage::Reader& reader) { return reader.setting(key); };
  expectation.ledger = domains::parse_ledger(co_await store_.read(std::move(ledger)));
  inspection::CheckOptions options;
  options.now = clock_.now();
  options.probes = &(*bench)->probes();
  inspection::CheckReport report = co_await inspection::check_domain((*bench)->source(), std::move(*name),
                                                                     std::move(expectation), std::move(options));
  co_return Look{std::move(report), (*bench)->source().is_live()};
}

inspection::WatchOptions watch_options(const config::Config& config) {
  return {config.domains.watch_interval, config.domains.watch_mail, config.host_name};
}

}  // namespace posthorn::server
