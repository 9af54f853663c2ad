#include "platform/net/socket_transport.h"

#include <cerrno>
#include <cstring>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace posthorn::net {
namespace {

Moved moved(ssize_t done) {
  if (done > 0) return {Moved::State::done, static_cast<std::size_t>(done)};
  if (done == 0) return {Moved::State::ended};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
  return {later ? Moved::State::would_block : Moved::State::broken};
}

Endpoint local_of(int descriptor) {
  SocketAddress address;
  if (getsockname(descriptor, address.get(), &address.length) != 0) return {};
  return endpoint_of(address);
}

}  // namespace

SocketAddress socket_address(const Endpoint& endpoint) {
  SocketAddress address;
  const std::string_view octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), sizeof v4.sin_addr);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), sizeof v6.sin6_addr);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  }
  return address;
}

Endpoint endpoint_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &v4.sin_addr, octets.size());
    return {IpAddress::v4(octets), ntohs(v4.sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return {IpAddress::v6(octets).unmapped(), ntohs(v6.sin6_port)};
  }
  return {};
}

SocketTransport::SocketTransport(Loop& loop, int descriptor, const Endpoint& peer)
    : socket_(loop.executor(), descriptor), peer_(peer), local_(local_of(descriptor)) {
  // Output is written in batches, so waiting for more (Nagle) only delays it. Fails harmlessly on local sockets.
  const int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Moved SocketTransport::read(std::span<char> into) {
  return moved(::recv(socket_.native_handle(), into.data(), into.size(), 0));
}

Moved SocketTransport::write(Octets octets) {
  return moved(::send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL));
}

Task<> SocketTransport::wait(Direction direction) {
  namespace asio = boost::asio;
  const auto kind = direction == Direction::input ? asio::posix::descriptor_base::wait_read
                                                  : asio::posix::descriptor_base::wait_write;
  // Aborted or broken: the next attempt says so.
  static_cast<void>(co_await socket_.async_wait(kind, asio::as_tuple(asio::use_awaitable)));
}

void SocketTransport::learn_local() {
  local_ = local_of(socket_.native_handle());
}

void SocketTransport::wake() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void SocketTransport::end_output() {
  if (socket_.is_open()) ::shutdown(socket_.native_handle(), SHUT_WR);
}

void SocketTransport::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace posthorn::net
