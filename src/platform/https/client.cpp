#include "platform/https/client.h"

#include <algorithm>
#include <array>
#include <atomic>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "platform/https/transfer.h"

namespace posthorn::https {

std::string_view text(FailureKind kind) {
  static constexpr std::array<std::string_view, 9> names{"dns",     "address",   "connect",  "certificate", "tls",
                                                         "timeout", "too large", "protocol", "busy"};
  return names[static_cast<std::size_t>(kind)];
}

std::string Response::header(std::string_view name) const {
  const auto at = std::ranges::find(headers, name, &Headers::value_type::first);
  return at == headers.end() ? std::string{} : at->second;
}

struct Client::State {
  State(dns::Resolver& given, ClientOptions wanted)
      : resolver(given), options(std::move(wanted)), pool(options.threads, waiting_requests_max) {}
  // Requests under way notice that they are to end before the pool waits for its threads.
  ~State() { *ending = true; }

  dns::Resolver& resolver;
  const ClientOptions options;
  std::shared_ptr<std::atomic<bool>> ending = std::make_shared<std::atomic<bool>>(false);
  runtime::WorkerPool pool;
};

namespace {

Failure no_address(const std::string& host, const dns::AddressLookup& found) {
  const bool definite = dns::is_definite(found.status());
  Failure failure{.kind = FailureKind::dns, .dns_definite = definite};
  failure.reason = definite
                       ? fmt::format("{} has no address", host)
                       : fmt::format("the address of {} could not be looked up: {}", host, dns::text(found.status()));
  return failure;
}

/// Those that may be connected to, at most addresses_per_request_max.
std::vector<IpAddress> admitted(const std::vector<IpAddress>& addresses, const ClientOptions& options) {
  std::vector<IpAddress> out;
  for (const IpAddress& address : addresses) {
    if (address.is_special() && !options.allow_private) continue;
    const bool has_source = options.source.empty() || std::ranges::any_of(options.source, [&](const IpAddress& source) {
                              return source.is_v4() == address.is_v4();
                            });
    if (has_source && out.size() < addresses_per_request_max) out.push_back(address);
  }
  return out;
}

}  // namespace

Client::Client(std::shared_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>, Problem> Client::make(dns::Resolver& resolver, ClientOptions options) {
  if (auto ready = prepare_transfers(options); !ready) return fail(std::move(ready.error()));
  return std::unique_ptr<Client>(new Client(std::make_shared<State>(resolver, std::move(options))));
}

Task<Result<Response, Failure>> Client::send(Request request) {
  const auto name = dns::Name::parse(request.host);
  if (!name || IpAddress::parse(request.host))
    co_return fail(
        Failure{.kind = FailureKind::dns, .reason = request.host + " is no host name", .dns_definite = true});
  dns::Resolver& resolver = request.resolver != nullptr ? *request.resolver : state_->resolver;
  const dns::AddressLookup found = co_await dns::lookup_addresses(resolver, *name);
  if (found.addresses.empty()) co_return fail(no_address(request.host, found));
  Transfer transfer{std::move(request), admitted(found.addresses, state_->options), state_->options, state_->ending};
  if (transfer.addresses.empty())
    co_return fail(Failure{.kind = FailureKind::address,
                           .reason = fmt::format("{} has the private or reserved address {} only: not connected to",
                                                 transfer.request.host, found.addresses.front().text())});
  auto job = [transfer = std::move(transfer)] { return run(transfer); };
  std::optional<Result<Response, Failure>> done = co_await state_->pool.run(std::move(job));
  if (!done) co_return fail(Failure{.kind = FailureKind::busy, .reason = "too many requests wait here already"});
  co_return std::move(*done);
}

}  // namespace posthorn::https
