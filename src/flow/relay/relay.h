// Relay: carries mail to other MTAs over SMTP (the sMTA of RFC 5598). Implements the queue's couriers: finds the hosts
// of a next hop (static route or MX), speaks to one after the other until every recipient has a final answer or no
// host is left, keeps the connection for the next parcel.
//
// Threads: RelayOffice is thread-safe; a courier lives on one loop. Everything given outlives the office.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "flow/queue/courier.h"
#include "flow/queue/routes.h"
#include "flow/relay/protection.h"
#include "flow/relay/sts_policies.h"
#include "platform/net/connect.h"
#include "platform/net/loop.h"
#include "platform/net/tls.h"
#include "platform/runtime/random.h"
#include "platform/storage/store.h"
#include "site/config/config.h"
#include "standards/dns/resolver.h"

namespace posthorn::relay {

// How much one attempt tries. Our bounds: a domain with more hosts than this is a configuration accident or a trap.
inline constexpr std::size_t hosts_per_attempt_max = 20;
inline constexpr std::size_t addresses_per_host_max = 8;
inline constexpr std::size_t contacts_per_attempt_max = 40;
// A connection is used for so many messages, then closed: peers count, and load spreads over equal hosts.
inline constexpr std::size_t messages_per_connection_max = 100;

// RFC 5321 4.5.3.2, the client's time-outs. Connecting is ours to bound: the kernel would wait for two minutes.
struct TimeOuts {
  Duration connect = std::chrono::seconds(30);
  Duration greeting = std::chrono::minutes(5);      ///< 4.5.3.2.1
  Duration command = std::chrono::minutes(5);       ///< EHLO, MAIL, RCPT: 4.5.3.2.2, 4.5.3.2.3
  Duration tls = std::chrono::minutes(1);           ///< handshake; ours
  Duration data_reply = std::chrono::minutes(2);    ///< 354: 4.5.3.2.4
  Duration data_block = std::chrono::minutes(3);    ///< each write of message data: 4.5.3.2.5
  Duration final_reply = std::chrono::minutes(10);  ///< after the final dot: 4.5.3.2.6
  Duration quit = std::chrono::seconds(5);          ///< we do not wait for manners
};

struct Options {
  std::string host_name;  ///< EHLO argument, and what the own-address guard takes for ourselves
  std::uint16_t mx_port = 25;
  std::vector<IpAddress> source;
  bool allow_private = false;
  /// Addresses we ourselves listen on for port `mx_port`: an MX that leads there is ourselves (RFC 5321 5.1).
  std::vector<IpAddress> own_addresses;
  TimeOuts time_outs;
};

struct Surroundings {
  std::vector<net::Loop*> loops;  ///< in the order of the queue's executors
  net::Dialer* dialer = nullptr;
  dns::Resolver* resolver = nullptr;
  storage::Store* store = nullptr;
  const net::ClientTls* tls = nullptr;
  runtime::Random* random = nullptr;  ///< shuffles hosts of equal preference
  StsPolicies* sts = nullptr;         ///< null: MTA-STS is not looked at
};

class RelayOffice final : public queue::CourierOffice {
 public:
  RelayOffice(Surroundings surroundings, Options options, queue::Routes routes);
  ~RelayOffice() override;

  [[nodiscard]] std::unique_ptr<queue::Courier> courier(const std::string& next_hop, std::size_t loop) override;

  /// SIGHUP: couriers made later follow these.
  void reconfigure(Options options, queue::Routes routes);
  /// Before the first courier.
  void observe(TlsObserver observer);

  struct Shared;  // shared.h: what couriers work with; never changed, replaced as a whole

 private:
  std::mutex mutex_;
  std::shared_ptr<const Shared> shared_;
};

/// What `config` says, the rest at its defaults; own_addresses from listen.smtp.
[[nodiscard]] Options options_from(const config::Config& config);

}  // namespace posthorn::relay
