#include "operations/transition/key_witness.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "platform/resolver/resolver.h"

namespace posthorn::transition {
namespace {

using Kind = KeySighting::Kind;

constexpr std::size_t kServersAskedMax = 26;  // ours: thirteen hosts with both families, as the root has

/// Answers over a resolver of its own.
class OwnResolverWitness final : public KeyWitness {
 public:
  explicit OwnResolverWitness(std::unique_ptr<dns::Resolver> resolver)
      : resolver_(std::move(resolver)), witness_(resolver_witness(*resolver_)) {}
  Task<KeySighting> look(keyring::KeyRecord wanted) override { return witness_->look(std::move(wanted)); }

 private:
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<KeyWitness> witness_;
};

/// Asks every server of the zone.
class ZoneWitness final : public KeyWitness {
 public:
  ZoneWitness(net::Loop& loop, runtime::Clock& clock, runtime::Random& random, resolver::DelegationStart start,
              std::unique_ptr<dns::Resolver> otherwise)
      : client_(loop, random), delegations_(client_, clock, std::move(start)), otherwise_(std::move(otherwise)) {}

  Task<KeySighting> look(keyring::KeyRecord wanted) override;

 private:
  [[nodiscard]] Task<KeySighting> ask(resolver::ZoneServer server, keyring::KeyRecord wanted, dns::Name name);
  /// Where the servers are not to be found (no way to the roots), or the name is an alias into another zone.
  [[nodiscard]] Task<KeySighting> look_otherwise(keyring::KeyRecord wanted);

  resolver::DnsClient client_;
  resolver::Delegations delegations_;
  std::unique_ptr<dns::Resolver> otherwise_;
};

Task<KeySighting> ZoneWitness::look_otherwise(keyring::KeyRecord wanted) {
  const auto witness = resolver_witness(*otherwise_);
  co_return co_await witness->look(std::move(wanted));
}

Task<KeySighting> ZoneWitness::look(keyring::KeyRecord wanted) {
  const auto name = dns::Name::parse(wanted.name);
  if (!name) co_return KeySighting{Kind::missing, "this is no name the DNS can hold"};
  const resolver::Delegation delegation = co_await delegations_.find(*name);
  if (delegation.servers.empty()) co_return co_await look_otherwise(std::move(wanted));
  std::vector<ServerSighting> seen;
  for (const resolver::ZoneServer& server : delegation.servers) {
    if (seen.size() >= kServersAskedMax) break;
    seen.push_back({server.host, co_await ask(server, wanted, *name)});
  }
  co_return sum_up(seen);
}

Task<KeySighting> ZoneWitness::ask(resolver::ZoneServer server, keyring::KeyRecord wanted, dns::Name name) {
  const dns::Question question{name, dns::RecordType::txt};
  const auto exchange = co_await client_.ask(server.endpoint, question);
  if (!exchange) co_return KeySighting{Kind::unknown, fmt::format("{}: {}", server.text(), exchange.error().reason)};
  if (exchange->reply.kind == dns::ReplyKind::alias) co_return co_await look_otherwise(std::move(wanted));
  if (exchange->reply.kind == dns::ReplyKind::lame)
    co_return KeySighting{Kind::missing,
                          fmt::format("{} does not know the zone: {}", server.text(), exchange->reply.problem)};
  dns::TxtLookup lookup{resolver::answer_from(question, *exchange, server.text()), {}};
  for (const dns::Txt* txt : lookup.answer.all<dns::Txt>()) lookup.texts.push_back(txt->joined());
  co_return judge_sighting(wanted, lookup, server.text());
}

/// Where the way down begins for a source; nullopt: the source has no servers to be found.
std::optional<resolver::DelegationStart> start_of(const resolver::Source& source) {
  resolver::DelegationStart start;
  if (const auto* endpoint = std::get_if<net::Endpoint>(&source)) {
    start.servers.push_back(*endpoint);
    start.port = endpoint->port;
  } else if (const auto* authoritative = std::get_if<resolver::Authoritative>(&source)) {
    if (authoritative->start) {
      start.servers.push_back(*authoritative->start);
      start.port = authoritative->start->port;
    }
  } else if (std::holds_alternative<resolver::ZoneFile>(source)) {
    return std::nullopt;
  }
  return start;
}

}  // namespace

KeySighting sum_up(const std::vector<ServerSighting>& seen) {
  std::set<std::string> hosts, answered;
  const KeySighting* doubt = nullptr;
  for (const ServerSighting& each : seen) {
    const std::string host = each.host.lower_case_key();
    hosts.insert(host);
    if (each.sighting.kind == Kind::missing || each.sighting.kind == Kind::different) return each.sighting;
    if (each.sighting.kind == Kind::everywhere) answered.insert(host);
    if (each.sighting.kind == Kind::unknown && doubt == nullptr) doubt = &each.sighting;
  }
  if (answered == hosts && !hosts.empty())
    return {Kind::everywhere, fmt::format("{} servers have it", answered.size())};
  return doubt != nullptr ? *doubt : KeySighting{Kind::unknown, "no server was found"};
}

Result<std::unique_ptr<KeyWitness>, Problem> make_key_witness(std::string_view source, net::Loop& loop,
                                                              runtime::Clock& clock, runtime::Random& random) {
  auto parsed = resolver::parse_source(source);
  if (!parsed) return fail(std::move(parsed.error()));
  auto start = start_of(*parsed);
  resolver::Options options;
  options.source = std::move(*parsed);
  auto resolver = resolver::make_resolver(options, clock, loop.executor());
  if (!resolver) return fail(std::move(resolver.error()));
  if (!start) return std::unique_ptr<KeyWitness>(std::make_unique<OwnResolverWitness>(std::move(*resolver)));
  return std::unique_ptr<KeyWitness>(
      std::make_unique<ZoneWitness>(loop, clock, random, std::move(*start), std::move(*resolver)));
}

}  // namespace posthorn::transition
