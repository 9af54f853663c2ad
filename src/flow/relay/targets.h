// Targets: where mail for a next hop is to be taken, found in the DNS as RFC 5321 5.1 asks. Hosts come in groups of
// equal preference, the best first; a group's addresses are looked up when its turn comes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/queue/courier.h"
#include "flow/queue/routes.h"
#include "flow/relay/relay.h"

namespace posthorn::relay {

/// One host to speak to.
struct Target {
  std::string host;  ///< MX name, the route's host, or the literal
  std::vector<IpAddress> addresses;
  std::uint16_t port = 25;
  config::RouteTls tls = config::RouteTls::opportunistic;
  bool by_mx = false;  ///< found in the DNS: the policies of its owner hold
  /// Asked for where MX and addresses are validated (RFC 7672 2.2.1); whatever the port is, at _25._tcp.
  dane::TlsaLookup tlsa;
};

/// Why there is no target, or no more: final or for now.
struct NoTarget {
  bool permanent = false;
  queue::Verdict verdict;
};

/// The hosts of one next hop, for one attempt.
class Targets {
 public:
  Targets(const RelayOffice::Shared& office, std::string next_hop);

  /// The hosts of the next best preference, shuffled, each with at least one address that may be connected to; empty
  /// when there are no more. Hosts without such an address are told in notes() and ending().
  [[nodiscard]] Task<std::vector<Target>> next_group();

  /// What is to be said of recipients for whom no host was found at all; meaningful after an empty group.
  [[nodiscard]] const NoTarget& ending() const { return ending_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// The domain and what its CNAMEs lead to: further names for certificates (RFC 7672 3.2.2).
  [[nodiscard]] const std::vector<std::string>& domain_names() const { return domain_names_; }

 private:
  struct Exchange {
    std::uint16_t preference = 0;
    std::uint64_t draw = 0;  ///< decides among equals
    std::string host;
    std::optional<IpAddress> literal;
  };

  [[nodiscard]] Task<> find_exchanges();
  [[nodiscard]] Task<> find_mx(dns::Name domain);
  [[nodiscard]] Task<std::optional<Target>> resolve(Exchange exchange);
  void note_without_address(const Exchange& exchange, const dns::AddressLookup& found);
  void take_route(const config::Route& route);
  void leave_out_ourselves();
  [[nodiscard]] bool is_ourselves(const IpAddress& address) const;
  [[nodiscard]] bool admit(const Exchange& exchange, Target& target, const std::vector<IpAddress>& addresses);
  /// Who the ending is about: "mail for beta.example", "the route of domain beta.example".
  [[nodiscard]] std::string its_mail() const;
  void end_with(bool permanent, int code, std::string status, std::string words);

  const RelayOffice::Shared& office_;
  std::string next_hop_;
  std::vector<Exchange> exchanges_;  // by preference, equals shuffled
  std::size_t next_ = 0;
  bool found_ = false;
  bool implicit_ = false;
  bool by_mx_ = false;
  bool by_route_ = false;
  bool mx_secure_ = false;
  std::vector<std::string> domain_names_;
  std::uint16_t port_ = 25;
  config::RouteTls tls_ = config::RouteTls::opportunistic;
  std::vector<std::string> notes_;
  NoTarget ending_;
  bool ending_set_ = false;
};

}  // namespace posthorn::relay
