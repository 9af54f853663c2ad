// What the load generators share: arguments, sockets, TLS as a client, epoll. They are one thread each and share no
// code with Posthorn, so that they measure any server alike.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace load {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void die(std::string_view what) {
  fmt::print(stderr, "load generator: {}\n", what);
  std::exit(2);
}

inline double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// ---- arguments

struct Arguments {
  std::string mode;
  sockaddr_in peer{};
  std::map<std::string, std::string, std::less<>> named;

  long number(std::string_view name, long usual) const {
    const auto found = named.find(name);
    if (found == named.end()) return usual;
    long value = 0;
    const auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    if (error != std::errc{} || *end != '\0') die(fmt::format("--{} needs a number", name));
    return value;
  }
  std::string text(std::string_view name, std::string_view usual) const {
    const auto found = named.find(name);
    return found == named.end() ? std::string{usual} : found->second;
  }
};

inline Arguments parse_arguments(const std::vector<std::string>& words) {
  if (words.size() < 2) die("usage: MODE ADDRESS:PORT [--NAME VALUE]...");
  Arguments arguments;
  arguments.mode = words[0];
  const auto colon = words[1].rfind(':');
  if (colon == std::string::npos) die("the address is not ADDRESS:PORT");
  arguments.peer.sin_family = AF_INET;
  arguments.peer.sin_port = htons(static_cast<uint16_t>(std::strtoul(words[1].c_str() + colon + 1, nullptr, 10)));
  if (inet_pton(AF_INET, words[1].substr(0, colon).c_str(), &arguments.peer.sin_addr) != 1) die("not an IPv4 address");
  for (size_t at = 2; at + 1 < words.size(); at += 2) {
    if (!words[at].starts_with("--")) die(fmt::format("what is {}?", words[at]));
    arguments.named[words[at].substr(2)] = words[at + 1];
  }
  return arguments;
}

// ---- sockets

inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // the socket API's own convention
}

inline void set_nonblocking(int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline int connect_to(const sockaddr_in& peer, std::optional<in_addr> source = {}) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0) die("no socket: raise the limit of open files");
  if (source) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr = *source;
    if (bind(client, generic(from), sizeof from) != 0) die("cannot bind the source address");
  }
  if (connect(client, generic(peer), sizeof peer) != 0) die(fmt::format("connect: {}", std::strerror(errno)));
  return client;
}

inline SSL* shake_hands(SSL_CTX* context, int client) {
  SSL* session = SSL_new(context);
  SSL_set_fd(session, client);
  if (SSL_connect(session) != 1) die("TLS handshake failed");
  return session;
}

inline SSL_CTX* make_tls_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  // Short of memory on purpose (10,000 idle ones are held), and free to move a buffer between partial writes.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

class Poll {
 public:
  Poll() : poll_(epoll_create1(EPOLL_CLOEXEC)) {}
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll() { close(poll_); }

  void add(int socket, void* owner) const { control(EPOLL_CTL_ADD, socket, owner, EPOLLIN); }
  void want_write(int socket, void* owner, bool wanted) const {
    control(EPOLL_CTL_MOD, socket, owner, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
  std::span<epoll_event> wait(int milliseconds) {
    const int count = epoll_wait(poll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
    return {events_.data(), static_cast<size_t>(std::max(count, 0))};
  }

 private:
  void control(int what, int socket, void* owner, uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = owner;
    epoll_ctl(poll_, what, socket, &event);
  }
  int poll_;
  std::array<epoll_event, 256> events_{};
};

/// A non-blocking connection: octets read into `in`, octets still to write in `out`; over TLS where `tls` is set.
struct Connection {
  int socket = -1;
  SSL* tls = nullptr;
  std::string in, out;

  /// Takes in what has arrived; false when the peer has closed.
  bool read_more() {
    std::array<char, 65536> chunk;
    while (true) {
      const auto got = tls != nullptr ? SSL_read(tls, chunk.data(), static_cast<int>(chunk.size()))
                                      : ::read(socket, chunk.data(), chunk.size());
      if (got > 0) in.append(chunk.data(), static_cast<size_t>(got));
      if (got > 0 && tls == nullptr) return true;
      if (got <= 0)
        return tls != nullptr ? SSL_get_error(tls, static_cast<int>(got)) == SSL_ERROR_WANT_READ
                              : got < 0 && errno == EAGAIN;
    }
  }
  /// False while octets are left over.
  bool write_out() {
    if (out.empty()) return true;
    const auto sent = tls != nullptr ? SSL_write(tls, out.data(), static_cast<int>(out.size()))
                                     : ::send(socket, out.data(), out.size(), MSG_NOSIGNAL);
    if (sent > 0) out.erase(0, static_cast<size_t>(sent));
    return out.empty();
  }
  void close() {
    SSL_free(tls);
    ::close(socket);
    *this = {};
  }
  void send_all(const Poll& poll, void* owner, std::string_view octets) {
    const bool waiting = !out.empty();
    out += octets;
    if (!waiting && !write_out()) poll.want_write(socket, owner, true);
  }
  std::optional<std::string> take_line() {
    const auto end = in.find("\r\n");
    if (end == std::string::npos) return {};
    std::string line = in.substr(0, end);
    in.erase(0, end + 2);
    return line;
  }
};

inline double percentile(std::vector<double>& sorted, double part) {
  return sorted.empty()
             ? 0
             : sorted[std::min(sorted.size() - 1, static_cast<size_t>(part * static_cast<double>(sorted.size())))];
}

}  // namespace load
