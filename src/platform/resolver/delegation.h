// Delegations: which servers answer for a name, learned from the parent by following referrals (RFC 1034 5.3.3) from
// the roots, or from a start server that takes their place. Keeps what it learned as long as the TTLs say.
// AuthoritativeResolver: a dns::Resolver that asks those servers and no cache; `--dns authoritative`.
//
// Thread rule: everything on the executor of the DnsClient's loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/resolver/dns_client.h"
#include "platform/resolver/resolver.h"
#include "standards/dns/resolver.h"

namespace posthorn::resolver {

inline constexpr unsigned referrals_max = 30;        // ours: labels of the longest names in use, with room
inline constexpr unsigned server_lookups_depth = 4;  // ours: name servers whose names need name servers …
// Ours: what is kept of delegations: the zones above those that are asked about, and the hosts that serve many. A zone
// that nobody asks about any more makes room.
inline constexpr std::size_t zones_kept_max = 1000;

/// Where the way down begins.
struct DelegationStart {
  /// No servers: the thirteen roots. A single server that does recursion is asked for NS records instead.
  std::vector<net::Endpoint> servers;
  /// At which the servers found on the way are asked.
  std::uint16_t port = 53;
};

/// The roots, or the one server, at whose port then all are asked.
[[nodiscard]] DelegationStart delegation_start(const Authoritative& source);

/// One server of a zone.
struct ZoneServer {
  dns::Name host;  ///< the root where a start server has no name
  net::Endpoint endpoint;
  /// "ns1.example.net (192.0.2.53)"
  [[nodiscard]] std::string text() const;
};

/// One step of the way down, for `dns trace`.
struct TraceStep {
  dns::Name zone;  ///< of the server asked
  ZoneServer server;
  dns::Question question;
  std::optional<Exchange> exchange;  ///< nothing: see failure
  std::string failure;
};

struct Delegation {
  dns::Name zone;                             ///< the closest enclosing zone of the name asked about
  std::vector<ZoneServer> servers;            ///< every server, every address, both families
  std::vector<dns::NameServer> parent_names;  ///< as the parent has them (with glue); empty where no parent was asked
  std::vector<dns::Name> unresolved;          ///< name servers without an address
  bool has_ds = false;                        ///< the parent says the zone is signed
  bool name_is_absent = false;                ///< the parent says that the name does not exist
  bool from_recursion = false;                ///< learned from a cache: the parent was not asked
  std::string problem;                        ///< why there are no servers; empty where there are
  std::vector<TraceStep> steps;               ///< how it was found; only from trace()
};

class Delegations {
 public:
  Delegations(DnsClient& client, runtime::Clock& clock, DelegationStart start);
  Delegations(const Delegations&) = delete;
  Delegations& operator=(const Delegations&) = delete;
  ~Delegations();

  /// The zone that `name` is in. For a name that is a zone itself: that zone.
  [[nodiscard]] Task<Delegation> find(dns::Name name);
  /// The same from the start, nothing from memory, with every step.
  [[nodiscard]] Task<Delegation> trace(dns::Name name);

  [[nodiscard]] DnsClient& client() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// What a server said, as an Answer of standards/dns; aliases are followed no further than the message does.
[[nodiscard]] dns::Answer answer_from(const dns::Question& question, const Exchange& exchange, std::string source);

/// Asks the servers of each zone in turn until one answers; follows aliases into other zones. Nothing is `secure`.
[[nodiscard]] std::unique_ptr<dns::Resolver> make_authoritative_resolver(DelegationStart start, runtime::Clock& clock,
                                                                         runtime::Executor executor);

/// The same through somebody's Delegations and their client, whose bounds then hold for both. They outlive it.
[[nodiscard]] std::unique_ptr<dns::Resolver> make_authoritative_resolver(Delegations& delegations,
                                                                         runtime::Executor executor);

}  // namespace posthorn::resolver
