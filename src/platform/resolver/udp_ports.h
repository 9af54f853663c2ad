// UdpPorts: questions to one server over UDP, on connected sockets of random ports. The kernel drops what others send;
// of what comes, only the response with our id to our question is taken (RFC 5452 9). Private to resolver.
//
// A question either has a socket of its own, or one of `kept` that questions share: an attacker must then guess which,
// its port and the id, and no port stays long. Sharing spares five system calls a question.
// Thread rule: everything on the loop. Outlives those who await it.
#pragma once

#include <memory>
#include <vector>

#include "platform/net/endpoint.h"
#include "platform/net/loop.h"
#include "platform/resolver/dns_client.h"
#include "platform/runtime/random.h"

namespace posthorn::resolver {

inline constexpr unsigned questions_a_port_max = 512;               // ours: then a new port is taken …
inline constexpr Duration port_age_max = std::chrono::seconds{60};  // … or after this
inline constexpr std::size_t questions_at_a_port_max = 256;         // ours: 1 in 256 guesses of an id may be right

class UdpPorts {
 public:
  /// `kept` 0: a socket for each question.
  UdpPorts(net::Loop& loop, runtime::Random& random, const net::Endpoint& server, std::size_t kept);
  UdpPorts(const UdpPorts&) = delete;
  UdpPorts& operator=(const UdpPorts&) = delete;
  ~UdpPorts();

  /// One datagram there, the one that answers back. The query's id is given here.
  [[nodiscard]] Task<Result<dns::Message, ClientFailure>> ask(dns::Message query, Duration time_max);

 private:
  class Port;
  struct Asked;
  [[nodiscard]] Result<std::shared_ptr<Port>, int> port_for(std::uint64_t dice);

  net::Loop& loop_;
  runtime::Random& random_;
  net::Endpoint server_;
  std::vector<std::shared_ptr<Port>> kept_;
};

}  // namespace posthorn::resolver
