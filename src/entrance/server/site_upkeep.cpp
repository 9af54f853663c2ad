// What a site does beside the road while it runs: what is flushed, swept and looked at again, and how it fares.
#include <fmt/format.h>

#include "entrance/server/site_server.h"
#include "operations/transition/key_witness.h"
#include "platform/runtime/process.h"

namespace posthorn::server {
namespace {

// What the server does beside the road, and how often.
constexpr Duration kHouseTick = std::chrono::seconds(1);
constexpr int kTicksToFlush = 60;  // what may be a minute old on disk: logins last used, selectors seen
constexpr Duration kKeyTick = std::chrono::minutes(5);
constexpr int kTicksToRetention = 3600;
constexpr Duration kTransportTick = std::chrono::minutes(1);
constexpr int kTransportTicksToRefresh = 60;

}  // namespace

Task<> SiteServer::keep_house() {
  for (int tick = 1;; ++tick) {
    co_await process_.clock().wait_for(kHouseTick);
    journal_->flush();
    if (tick % kTicksToFlush == 0) {
      authenticator_->flush_last_used();
      co_await mailboxes_->sweep();
    }
    if (tick % kTicksToRetention != 0) continue;
    co_await verification::sweep_dmarc_rows(*store_, process_.clock().now());
    const config::Config config = present_config();
    store_->commit_later(journal::retention(process_.clock().now(), config.limits.story_age, config.limits.story_size));
  }
}

Task<> SiteServer::keep_keys() {
  const transition::KeyDriver driver(*store_, *keyring_, process_.workers(), key_witness_.get());
  for (;;) {
    for (const std::string& domain : keyring_->domains()) {
      auto steps = co_await driver.advance(domain, false, process_.clock().now());
      if (!steps) {
        log_.warning("keys stay as they are", {{"domain", domain}, {"reason", steps.error().text()}});
        continue;
      }
      for (const transition::KeyStep& step : *steps)
        if (step.stepped)
          log_.info("a DKIM key has moved on", {{"domain", domain},
                                                {"selector", step.key.selector},
                                                {"state", keyring::name(step.key.state)},
                                                {"reason", step.words}});
    }
    co_await process_.clock().wait_for(kKeyTick);
  }
}

/// Said once, when it turns out: without validation there is no DANE.
void SiteServer::tell_unvalidated(std::string& told) {
  std::string because = resolver::unvalidated_because(*resolver_);
  if (because == told) return;
  if (!because.empty()) log_.warning("DNS answers are not validated, so DANE is not used", {{"reason", because}});
  told = std::move(because);
}

/// The counts of TLS sessions go to the store, policies are fetched again once a day.
Task<> SiteServer::keep_transport() {
  std::string told;
  for (int tick = 1;; ++tick) {
    co_await process_.clock().wait_for(kTransportTick);
    tell_unvalidated(told);
    co_await tls_ledger_->flush();
    if (tick % kTransportTicksToRefresh != 0) continue;
    co_await tls_ledger_->sweep();
    co_await sts_policies_->refresh();
  }
}

std::string SiteServer::unhealthy() const {
  std::error_code error;
  const auto space = std::filesystem::space(config_.store_dir, error);
  if (error) return fmt::format("the store {} cannot be reached: {}", config_.store_dir.string(), error.message());
  // Below its reserve the store takes no new mail (452 4.3.1).
  if (space.available < storage::StoreOptions{}.reserve_octets)
    return fmt::format("the disk is full: {} octets are free for the store", space.available);
  return {};
}

void SiteServer::watch_process() {
  metrics_.watch("posthorn_process_resident_octets", "Memory of the process.",
                 [] { return static_cast<double>(runtime::resident_octets()); });
  metrics_.watch("posthorn_process_cpu_seconds_total", "CPU time of the process.",
                 [] { return static_cast<double>(runtime::process_cpu_micros()) / 1e6; });
  metrics_.watch("posthorn_store_pending", "Commits and reads that wait for the store.",
                 [this] { return static_cast<double>(store_->pending()); });
}

}  // namespace posthorn::server
