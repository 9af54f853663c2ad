#include "platform/net/connect.h"

#include <cerrno>
#include <cstring>

#include <sys/un.h>

#include "platform/net/socket_transport.h"

namespace posthorn::net {
namespace {

using Connected = Result<std::unique_ptr<Stream>, ConnectFailure>;

std::unexpected<ConnectFailure> cannot(int error) {
  const StreamError kind = error == ETIMEDOUT ? StreamError::timed_out : StreamError::reset;
  return fail(ConnectFailure{kind, std::strerror(error), error == ECONNREFUSED});
}

/// Ends the wait for a connection.
class ConnectDeadline final : public Deadline {
 public:
  explicit ConnectDeadline(Transport& transport) : transport_(transport) {}
  [[nodiscard]] bool has_passed() const { return passed_; }

 private:
  void expired() override {
    passed_ = true;
    transport_.wake();
  }
  Transport& transport_;
  bool passed_ = false;
};

bool bind_source(int descriptor, const IpAddress& source) {
  const SocketAddress address = socket_address({source, 0});
  return ::bind(descriptor, address.get(), address.length) == 0;
}

int socket_error(int descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

Task<Connected> connect_socket(Loop& loop, SocketAddress to, Endpoint peer, ConnectOptions options) {
  const int descriptor = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return cannot(errno);
  auto transport = std::make_unique<SocketTransport>(loop, descriptor, peer);
  if (options.source && !bind_source(descriptor, *options.source)) co_return cannot(errno);
  if (::connect(descriptor, to.get(), to.length) != 0) {
    if (errno != EINPROGRESS) co_return cannot(errno);
    ConnectDeadline deadline(*transport);
    loop.deadlines().set(deadline, options.deadline);
    co_await transport->wait(Direction::output);
    if (deadline.has_passed()) co_return cannot(ETIMEDOUT);
    if (const int error = socket_error(descriptor); error != 0) co_return cannot(error);
  }
  transport->learn_local();
  co_return make_stream(loop, std::move(transport));
}

}  // namespace

Task<Connected> connect(Loop& loop, Endpoint to, ConnectOptions options) {
  return connect_socket(loop, socket_address(to), to, options);
}

Task<Connected> connect_local(Loop& loop, std::filesystem::path path) {
  SocketAddress address;
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof local.sun_path) co_return cannot(ENAMETOOLONG);
  std::memcpy(local.sun_path, path.c_str(), path.native().size() + 1);
  std::memcpy(&address.storage, &local, sizeof local);
  address.length = sizeof local;
  co_return co_await connect_socket(loop, address, Endpoint{}, ConnectOptions{});
}

Task<Connected> TcpDialer::dial(Loop& loop, Endpoint to, ConnectOptions options) {
  return connect(loop, to, options);
}

}  // namespace posthorn::net
