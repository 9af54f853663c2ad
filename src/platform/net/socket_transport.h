// Sockets: TCP and local ones, non-blocking, on one loop. Private to net.
#pragma once

#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/socket.h>

#include "platform/net/transport.h"

namespace posthorn::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
[[nodiscard]] SocketAddress socket_address(const Endpoint& endpoint);
/// 0.0.0.0:0 for what is no IP address. IPv4 in IPv6 is unmapped.
[[nodiscard]] Endpoint endpoint_of(const SocketAddress& address);

class SocketTransport final : public Transport {
 public:
  /// Takes the descriptor, which is non-blocking.
  SocketTransport(Loop& loop, int descriptor, const Endpoint& peer);

  Moved read(std::span<char> into) override;
  Moved write(Octets octets) override;
  Task<> wait(Direction direction) override;
  void wake() override;
  void end_output() override;
  void close() override;
  const Endpoint& peer() const override { return peer_; }
  const Endpoint& local() const override { return local_; }

  /// The local address is known only when the socket is connected.
  void learn_local();
  [[nodiscard]] int descriptor() { return socket_.native_handle(); }

 private:
  boost::asio::posix::stream_descriptor socket_;
  Endpoint peer_, local_;
};

}  // namespace posthorn::net
