#include "platform/resolver/delegation.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/base/recent.h"

namespace posthorn::resolver {
namespace {

constexpr std::size_t kServersTriedMax = 6;           // of one zone, until one answers
constexpr Duration kKeptMax = std::chrono::hours{1};  // a delegation is looked at again after that

/// The root's servers (IANA, named.root), both families.
constexpr std::array<std::string_view, 26> kRoots{
    "198.41.0.4",      "170.247.170.2",       "192.33.4.12",    "199.7.91.13",   "192.203.230.10",     "192.5.5.241",
    "192.112.36.4",    "198.97.190.53",       "192.36.148.17",  "192.58.128.30", "193.0.14.129",       "199.7.83.42",
    "202.12.27.33",    "2001:503:ba3e::2:30", "2801:1b8:10::b", "2001:500:2::c", "2001:500:2d::d",     "2001:500:a8::e",
    "2001:500:2f::f",  "2001:500:12::d0d",    "2001:500:1::53", "2001:7fe::53",  "2001:503:c27::2:30", "2001:7fd::1",
    "2001:500:9f::42", "2001:dc3::35"};

std::vector<ZoneServer> start_servers(const DelegationStart& start) {
  std::vector<ZoneServer> servers;
  servers.reserve(start.servers.empty() ? kRoots.size() : start.servers.size());
  for (const net::Endpoint& endpoint : start.servers) servers.push_back({dns::Name{}, endpoint});
  if (!servers.empty()) return servers;
  for (std::size_t i = 0; i < kRoots.size(); ++i) {
    const char letter = static_cast<char>('a' + i % 13);
    servers.push_back(
        {*dns::Name::parse(fmt::format("{}.root-servers.net", letter)), {*IpAddress::parse(kRoots[i]), start.port}});
  }
  return servers;
}

}  // namespace

DelegationStart delegation_start(const Authoritative& source) {
  if (!source.start) return {};
  return {{*source.start}, source.start->port};
}

std::string ZoneServer::text() const {
  const std::string where = endpoint.port == 53 ? endpoint.address.text() : endpoint.text();
  return host.is_root() ? where : fmt::format("{} ({})", host.text(), where);
}

class Delegations::State {
 public:
  State(DnsClient& asked, runtime::Clock& clock, DelegationStart start)
      : client(asked), clock_(clock), start_(std::move(start)) {}

  Task<Delegation> find(dns::Name name, unsigned depth, std::vector<TraceStep>* steps) {
    Delegation at = steps == nullptr ? nearest(name) : from_start();
    // What is kept of the name's own zone needs no question.
    if (steps == nullptr && at.zone == name && !at.zone.is_root()) co_return at;
    for (unsigned hop = 0; hop < referrals_max; ++hop) {
      const dns::Question question{name, dns::RecordType::ns};
      const auto exchange = co_await ask_any(at, question, steps);
      if (!exchange) co_return unanswered(std::move(at), name);
      if (exchange->reply.kind != dns::ReplyKind::referral)
        co_return co_await settle(at, name, *exchange, depth, steps);
      const bool leads_down = exchange->reply.zone.is_at_or_below(at.zone) && exchange->reply.zone != at.zone;
      if (!leads_down) co_return unanswered(std::move(at), name);
      at = co_await follow(*exchange, depth);
      if (at.servers.empty()) co_return at;
      keep(at, exchange->reply.ttl_seconds);
    }
    at.servers.clear();
    at.problem = "the referrals do not come to an end";
    co_return at;
  }

  DnsClient& client;

 private:
  struct Kept {
    Delegation delegation;
    TimePoint expires;
  };

  [[nodiscard]] Delegation from_start() const {
    Delegation at;
    at.servers = start_servers(start_);
    return at;
  }

  /// The closest zone above the name that is still known.
  [[nodiscard]] Delegation nearest(const dns::Name& name) {
    for (dns::Name zone = name; !zone.is_root(); zone = zone.parent()) {
      const Kept* const found = kept_.find(zone);
      if (found != nullptr && found->expires > clock_.now()) return found->delegation;
    }
    return from_start();
  }

  void keep(const Delegation& delegation, std::uint32_t ttl_seconds) {
    if (delegation.servers.empty() || delegation.zone.is_root()) return;
    const Duration held = std::min<Duration>(std::chrono::seconds{ttl_seconds}, kKeptMax);
    kept_.put(delegation.zone, {delegation, clock_.now() + held});
  }

  /// The first server of the zone that says something of use.
  Task<std::optional<Exchange>> ask_any(const Delegation& at, dns::Question question, std::vector<TraceStep>* steps) {
    const bool at_start = at.zone.is_root() && !start_.servers.empty();
    // A cache that validates withholds the servers of a zone whose signatures are broken: just these are looked for.
    const Asking asking{.recursion_desired = at_start, .checking_disabled = at_start};
    std::size_t tried = 0;
    for (const ZoneServer& server : at.servers) {
      if (tried++ == kServersTriedMax) break;
      auto got = co_await client.ask(server.endpoint, question, asking);
      if (steps != nullptr) note(*steps, at.zone, server, question, got);
      if (!got) continue;
      const dns::ReplyKind kind = got->reply.kind;
      if (kind != dns::ReplyKind::lame && kind != dns::ReplyKind::failure) co_return std::move(*got);
    }
    co_return std::nullopt;
  }

  static void note(std::vector<TraceStep>& steps, const dns::Name& zone, const ZoneServer& server,
                   const dns::Question& question, const Result<Exchange, ClientFailure>& got) {
    TraceStep step{zone, server, question, std::nullopt, {}};
    if (got) {
      step.exchange = *got;
      step.failure = got->reply.problem;
    } else {
      step.failure = got.error().reason;
    }
    steps.push_back(std::move(step));
  }

  static Delegation unanswered(Delegation at, const dns::Name& name) {
    at.problem = fmt::format("no server of {} gives a usable answer about {}",
                             at.zone.is_root() ? "the root" : at.zone.text(), name.text());
    // They are the zone's servers all the same where the zone is the name's own: who asks them will see.
    if (at.zone != name) at.servers.clear();
    return at;
  }

  /// A referral: its servers with the addresses that came along, or those found by asking.
  Task<Delegation> follow(const Exchange& exchange, unsigned depth) {
    Delegation next;
    next.zone = exchange.reply.zone;
    next.parent_names = exchange.reply.servers;
    next.has_ds = exchange.reply.has_ds;
    co_await find_addresses(next, exchange.reply.servers, depth);
    if (next.servers.empty()) next.problem = fmt::format("no name server of {} has an address", next.zone.text());
    co_return next;
  }

  Task<> find_addresses(Delegation& into, std::vector<dns::NameServer> servers, unsigned depth) {
    for (dns::NameServer& server : servers) {
      // A name inside the zone it serves can be found by glue alone.
      const bool needs_glue = server.host.is_at_or_below(into.zone) && !into.zone.is_root();
      if (server.addresses.empty() && !needs_glue && depth < server_lookups_depth)
        server.addresses = co_await addresses_of(server.host, depth + 1);
      if (server.addresses.empty()) into.unresolved.push_back(server.host);
      for (const IpAddress& address : server.addresses) into.servers.push_back({server.host, {address, start_.port}});
    }
  }

  /// Of hosts that serve many zones, asked once.
  Task<std::vector<IpAddress>> addresses_of(dns::Name host, unsigned depth) {
    if (const auto known = host_addresses(host)) co_return *known;
    const Delegation zone = co_await find(host, depth, nullptr);
    co_return co_await addresses_by(zone, std::move(host));
  }
  [[nodiscard]] std::optional<std::vector<IpAddress>> host_addresses(const dns::Name& host) {
    const KeptHost* const found = hosts_.find(host);
    if (found == nullptr || found->expires <= clock_.now()) return std::nullopt;
    return found->addresses;
  }
  void keep_host(const dns::Name& host, const std::vector<IpAddress>& addresses, std::uint32_t ttl_seconds) {
    if (addresses.empty()) return;
    hosts_.put(host, {addresses, clock_.now() + std::min<Duration>(std::chrono::seconds{ttl_seconds}, kKeptMax)});
  }

  /// An answer that is no referral: the servers asked know the zone that the name is in, or they recurse.
  Task<Delegation> settle(Delegation at, dns::Name name, const Exchange& exchange, unsigned depth,
                          std::vector<TraceStep>* steps) {
    const dns::Reply& reply = exchange.reply;
    if (reply.kind == dns::ReplyKind::answer) co_return co_await from_answer(std::move(at), name, exchange, depth);
    // RFC 1034 3.6.2: a name with a CNAME is no zone; the one above it is asked about.
    if (!reply.aliases.empty()) co_return co_await find(name.parent(), depth, steps);
    const dns::Name zone = reply.soa ? reply.zone : at.zone;
    const bool absent = reply.kind == dns::ReplyKind::nx_domain;
    if (zone == at.zone || !name.is_at_or_below(zone)) {
      at.name_is_absent = absent;
      co_return at;
    }
    // The server also holds the zone below, so nobody referred us: its NS records say who serves it.
    const auto ns = co_await ask_any(at, {zone, dns::RecordType::ns}, steps);
    if (ns && ns->reply.kind == dns::ReplyKind::answer) at = co_await from_answer(std::move(at), zone, *ns, depth);
    at.name_is_absent = absent;
    co_return at;
  }

  Task<Delegation> from_answer(Delegation at, dns::Name zone, const Exchange& exchange, unsigned depth) {
    if (at.zone == zone) co_return at;
    const dns::Reply& reply = exchange.reply;
    Delegation found;
    found.zone = std::move(zone);
    found.from_recursion = !reply.authoritative;
    // The parent's side first: its glue spares questions.
    if (found.from_recursion) co_await look_at_parent(found, depth);
    std::vector<dns::NameServer> servers = dns::name_servers(reply.records, exchange.message.additionals);
    for (dns::NameServer& server : servers) {
      for (const dns::NameServer& glue : found.parent_names)
        if (server.addresses.empty() && glue.host == server.host) server.addresses = glue.addresses;
      if (server.addresses.empty()) server.addresses = co_await addresses_by(at, server.host);
    }
    co_await find_addresses(found, std::move(servers), depth);
    if (found.servers.empty()) found.problem = fmt::format("no name server of {} has an address", found.zone.text());
    keep_to_this_host(found, at);
    keep(found, reply.ttl_seconds);
    co_return found;
  }

  /// What was learned from a cache is the zone's own word; the parent is asked for its side.
  Task<> look_at_parent(Delegation& found, unsigned depth) {
    if (found.zone.label_count() < 2 || depth > 0) co_return;
    const Delegation parent = co_await find(found.zone.parent(), depth + 1, nullptr);
    if (parent.zone.is_root() || !found.zone.is_at_or_below(parent.zone)) co_return;
    const auto exchange = co_await ask_any(parent, {found.zone, dns::RecordType::ns}, nullptr);
    if (!exchange || exchange->reply.kind != dns::ReplyKind::referral || exchange->reply.zone != found.zone) co_return;
    found.parent_names = exchange->reply.servers;
    found.has_ds = exchange->reply.has_ds;
    found.from_recursion = false;
  }

  /// A start server on this very host is a test bed: what lies elsewhere is not asked, and where it names nobody on
  /// this host it stands for all of them.
  void keep_to_this_host(Delegation& found, const Delegation& at) const {
    if (start_.servers.empty() || !start_.servers.front().address.is_loopback()) return;
    std::erase_if(found.servers, [](const ZoneServer& server) { return !server.endpoint.address.is_loopback(); });
    if (!found.servers.empty() || found.from_recursion) return;
    found.servers = at.servers;
    found.problem.clear();
  }

  /// Asks the servers that gave the NS records first: they recurse, or hold the zone.
  Task<std::vector<IpAddress>> addresses_by(const Delegation& at, dns::Name host) {
    if (const auto known = host_addresses(host)) co_return *known;
    std::vector<IpAddress> addresses;
    std::uint32_t ttl_seconds = UINT32_MAX;
    for (const dns::RecordType type : {dns::RecordType::a, dns::RecordType::aaaa}) {
      const auto exchange = co_await ask_any(at, {host, type}, nullptr);
      if (!exchange) continue;
      if (!exchange->reply.records.empty()) ttl_seconds = std::min(ttl_seconds, exchange->reply.ttl_seconds);
      for (const dns::Record& record : exchange->reply.records) {
        if (const auto* v4 = std::get_if<dns::A>(&record.data)) addresses.push_back(v4->address);
        if (const auto* v6 = std::get_if<dns::Aaaa>(&record.data)) addresses.push_back(v6->address);
      }
    }
    keep_host(host, addresses, ttl_seconds);
    co_return addresses;
  }

  runtime::Clock& clock_;
  DelegationStart start_;
  Recent<dns::Name, Kept> kept_{zones_kept_max};
  struct KeptHost {
    std::vector<IpAddress> addresses;
    TimePoint expires;
  };
  Recent<dns::Name, KeptHost> hosts_{zones_kept_max};
};

Delegations::Delegations(DnsClient& client, runtime::Clock& clock, DelegationStart start)
    : state_(std::make_unique<State>(client, clock, std::move(start))) {}
Delegations::~Delegations() = default;

Task<Delegation> Delegations::find(dns::Name name) {
  return state_->find(std::move(name), 0, nullptr);
}

Task<Delegation> Delegations::trace(dns::Name name) {
  std::vector<TraceStep> steps;
  Delegation found = co_await state_->find(std::move(name), 0, &steps);
  found.steps = std::move(steps);
  co_return found;
}

DnsClient& Delegations::client() const {
  return state_->client;
}

}  // namespace posthorn::resolver
