// DnsClient: asks one given server one question, over UDP with EDNS (1232 octets) and over TCP where the answer is
// truncated, and shows the message as it came. For those who want to know what a certain server says: `dns query`,
// `dns trace`, `domain check`. Everybody else asks a dns::Resolver.
//
// A random id and a random port (udp_ports.h); only the server asked can answer, with the same question (RFC 5452).
// Never more than `in_flight_max` questions at one server at a time: the next ones wait. Thread rule: everything on the
// executor of its Loop. The client outlives those who await it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "platform/net/endpoint.h"
#include "platform/net/loop.h"
#include "platform/runtime/random.h"
#include "standards/dns/reply.h"

namespace posthorn::resolver {

inline constexpr std::size_t transfer_records_max = 200'000;  // ours: a zone larger than this is no mail domain's

struct ClientOptions {
  Duration try_time_max = std::chrono::seconds{3};  ///< a UDP try, and each step over TCP
  unsigned tries = 2;                               ///< over UDP; RFC 1035 4.2.1 asks for a retransmission
  unsigned in_flight_max = 8;                       ///< questions at one server at a time
  std::size_t ports_kept = 0;                       ///< sockets that questions share; 0: each has its own
};

/// What one question is asked with.
struct Asking {
  bool recursion_desired = false;
  bool dnssec_ok = false;
  bool checking_disabled = false;    ///< CD: what a validating server thinks bogus is to be shown all the same
  bool over_tcp = false;             ///< at once
  std::optional<Duration> time_max;  ///< instead of try_time_max
};

struct ClientFailure {
  dns::Status status = dns::Status::timeout;  ///< timeout, or servfail where the server's octets make no sense
  std::string reason;                         ///< "no answer in 3 s", "connection refused"
  bool no_way = false;  ///< this machine has no route there (no IPv6): it says nothing of the server
  bool silent = false;  ///< nothing came in time; otherwise somebody said that it will not go
};

struct Exchange {
  dns::Message message;
  dns::Reply reply;
  bool over_tcp = false;
  Duration took{};
};

class DnsClient {
 public:
  DnsClient(net::Loop& loop, runtime::Random& random, ClientOptions options = {});
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;
  ~DnsClient();

  [[nodiscard]] Task<Result<Exchange, ClientFailure>> ask(net::Endpoint server, dns::Question question,
                                                          Asking asking = {});
  /// A place at the server for a question that somebody else puts to it (libunbound, whose forwarder it is): counts as
  /// one of `in_flight_max` until it is destroyed. The client outlives it.
  class Reservation {
   public:
    virtual ~Reservation() = default;
  };
  [[nodiscard]] Task<std::unique_ptr<Reservation>> reserve(net::Endpoint server);
  /// AXFR (RFC 5936): every record of the zone but the closing SOA. A server that refuses is a failure with its word.
  [[nodiscard]] Task<Result<std::vector<dns::Record>, ClientFailure>> transfer(net::Endpoint server, dns::Name zone);

  /// Questions sent since the start, tries not counted twice; and the most that were at one server at a time.
  [[nodiscard]] std::uint64_t questions() const;
  [[nodiscard]] unsigned most_in_flight() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::resolver
