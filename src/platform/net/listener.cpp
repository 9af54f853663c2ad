#include "platform/net/listener.h"

#include <cerrno>
#include <cstring>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/net/socket_transport.h"

namespace posthorn::net {
namespace {

/// Accepted before others on the loop have their turn.
constexpr int kAcceptBatch = 64;
/// How long an accept loop rests when even the reserve does not help.
constexpr Duration kRest = std::chrono::milliseconds{100};

/// The descriptor that is given up to refuse a connection.
class Reserve {
 public:
  Reserve() { take(); }
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;
  ~Reserve() { give_up(); }
  void take() {
    if (descriptor_ < 0) descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  void give_up() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_ = -1;
};

bool is_exhausted(int error) {
  return error == EMFILE || error == ENFILE;
}
/// accept(2): errors of the connection that was to be accepted, not of the listener.
bool is_of_the_connection(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN || error == EHOSTDOWN ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == ENONET || error == EPERM;
}

/// Whether a local socket's peer is root or the user this process runs as. The socket's mode says the same to
/// connect(2); this also holds where somebody has changed the mode, or passed an open descriptor on.
bool is_trusted(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

class SocketListener final : public Listener {
 public:
  SocketListener(Loop& loop, int descriptor, std::filesystem::path path)
      : loop_(loop), socket_(loop.executor(), descriptor), path_(std::move(path)) {
    SocketAddress address;
    if (getsockname(descriptor, address.get(), &address.length) == 0) local_ = endpoint_of(address);
  }
  ~SocketListener() override { close(); }

  const Endpoint& local() const override { return local_; }
  void close() override {
    boost::system::error_code ignored;
    if (socket_.is_open() && !path_.empty()) ::unlink(path_.c_str());
    socket_.close(ignored);
  }

  Task<> run(ConnectionHandler& handler) override {
    namespace asio = boost::asio;
    while (socket_.is_open()) {
      const auto [error] =
          co_await socket_.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      const bool rest = accept_some(handler);
      if (rest) co_await loop_.clock().wait_for(kRest);
    }
  }

 private:
  /// True when nothing can be accepted for want of resources.
  bool accept_some(ConnectionHandler& handler) {
    for (int i = 0; i < kAcceptBatch && socket_.is_open(); ++i) {
      SocketAddress from;
      const int descriptor = ::accept4(socket_.native_handle(), from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      const int error = descriptor < 0 ? errno : 0;
      if (descriptor >= 0) {
        exhausted_ = false;
        if (!path_.empty() && !is_trusted(descriptor)) {
          ::close(descriptor);
          continue;
        }
        auto transport = std::make_unique<SocketTransport>(loop_, descriptor, endpoint_of(from));
        handler.connected(loop_, make_stream(loop_, std::move(transport)));
      } else if (is_exhausted(error)) {
        if (!refuse_one(handler)) return true;
      } else if (!is_of_the_connection(error)) {
        return error != EAGAIN && error != EWOULDBLOCK;
      }
    }
    return false;
  }

  /// False when there was no connection to be refused, or no descriptor even now.
  bool refuse_one(ConnectionHandler& handler) {
    if (!std::exchange(exhausted_, true)) handler.descriptors_exhausted();
    reserve_.give_up();
    const int descriptor = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      const Octets text = handler.refusal();
      if (!text.empty()) static_cast<void>(::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL));
      ::close(descriptor);
    }
    reserve_.take();
    return descriptor >= 0;
  }

  Loop& loop_;
  boost::asio::posix::stream_descriptor socket_;
  std::filesystem::path path_;
  Endpoint local_;
  Reserve reserve_;
  bool exhausted_ = false;
};

Problem cannot_listen(const std::string& where, int error) {
  const std::string remedy = error == EADDRINUSE      ? "stop what listens there, or choose another port"
                             : error == EACCES        ? "ports below 1024 need CAP_NET_BIND_SERVICE"
                             : error == EADDRNOTAVAIL ? "give an address of this machine"
                                                      : "";
  return Problem{ProblemKind::unavailable, "cannot listen on " + where, std::strerror(error), remedy};
}

void set_option(int descriptor, int level, int option) {
  const int yes = 1;
  setsockopt(descriptor, level, option, &yes, sizeof yes);
}

Result<std::unique_ptr<Listener>, Problem> listen_on(Loop& loop, int descriptor, const SocketAddress& address,
                                                     const std::string& where, std::filesystem::path path) {
  const bool listening = ::bind(descriptor, address.get(), address.length) == 0 && ::listen(descriptor, SOMAXCONN) == 0;
  if (!listening) {
    const int error = errno;
    ::close(descriptor);
    return fail(cannot_listen(where, error));
  }
  return std::make_unique<SocketListener>(loop, descriptor, std::move(path));
}

}  // namespace

Result<void, Problem> Listener::check_free(const Endpoint& at) {
  const SocketAddress address = socket_address(at);
  const int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(cannot_listen(at.text(), errno));
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
  if (at.address.is_v6()) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
  const int error = ::bind(descriptor, address.get(), address.length) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) return fail(cannot_listen(at.text(), error));
  return {};
}

Result<std::unique_ptr<Listener>, Problem> Listener::open(Loop& loop, const Endpoint& at) {
  const SocketAddress address = socket_address(at);
  const int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(cannot_listen(at.text(), errno));
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
  set_option(descriptor, SOL_SOCKET, SO_REUSEPORT);
  if (at.address.is_v6()) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
  return listen_on(loop, descriptor, address, at.text(), {});
}

Result<std::unique_ptr<Listener>, Problem> Listener::open_local(Loop& loop, const std::filesystem::path& path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof local.sun_path) return fail(cannot_listen(path.string(), ENAMETOOLONG));
  std::memcpy(local.sun_path, path.c_str(), path.native().size() + 1);
  SocketAddress address;
  std::memcpy(&address.storage, &local, sizeof local);
  address.length = sizeof local;
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(cannot_listen(path.string(), errno));
  ::unlink(path.c_str());
  ::fchmod(descriptor, 0600);  // Linux gives the socket file this mode, so it is never open to others
  return listen_on(loop, descriptor, address, path.string(), path);
}

}  // namespace posthorn::net
