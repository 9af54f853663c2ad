#include "flow/relay/relay.h"

#include "flow/relay/courier.h"
#include "flow/relay/shared.h"

namespace posthorn::relay {

RelayOffice::RelayOffice(Surroundings surroundings, Options options, queue::Routes routes)
    : shared_(std::make_shared<const Shared>(
          Shared{std::move(surroundings), std::move(options), std::move(routes), nullptr})) {}

RelayOffice::~RelayOffice() = default;

std::unique_ptr<queue::Courier> RelayOffice::courier(const std::string& next_hop, std::size_t loop) {
  const std::lock_guard lock(mutex_);
  return std::make_unique<SmtpCourier>(shared_, *shared_->with.loops.at(loop), next_hop);
}

void RelayOffice::reconfigure(Options options, queue::Routes routes) {
  const std::lock_guard lock(mutex_);
  shared_ =
      std::make_shared<const Shared>(Shared{shared_->with, std::move(options), std::move(routes), shared_->observer});
}

void RelayOffice::observe(TlsObserver observer) {
  const std::lock_guard lock(mutex_);
  shared_ =
      std::make_shared<const Shared>(Shared{shared_->with, shared_->options, shared_->routes, std::move(observer)});
}

Options options_from(const config::Config& config) {
  Options options;
  options.host_name = config.host_name;
  options.mx_port = config.relay.mx_port;
  options.source = config.relay.source;
  options.allow_private = config.relay.allow_private;
  bool listens_there = false;
  for (const config::Endpoint& endpoint : config.listen.smtp) {
    if (endpoint.port != options.mx_port) continue;
    listens_there = true;
    options.own_addresses.push_back(endpoint.address);
  }
  // A listener on every address takes what comes to the addresses we send from.
  if (listens_there)
    options.own_addresses.insert(options.own_addresses.end(), options.source.begin(), options.source.end());
  return options;
}

}  // namespace posthorn::relay
