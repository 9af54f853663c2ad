// Listener: accepts connections on one loop. With several loops each has its own listener on the same port
// (SO_REUSEPORT) and the kernel spreads the connections.
//
// The accept loop survives a full descriptor table: it holds one descriptor in reserve, gives it up to accept the
// waiting connection, says refusal() to it, closes it and takes the reserve back.
#pragma once

#include <filesystem>
#include <memory>

#include "platform/net/loop.h"
#include "platform/net/stream.h"

namespace posthorn::net {

/// What happens with connections; called on the listener's loop.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void connected(Loop& loop, std::unique_ptr<Stream> stream) = 0;
  /// The text for a peer that cannot be served because descriptors have run out; empty: just closed.
  [[nodiscard]] virtual Octets refusal() const = 0;
  /// Descriptors have run out (first of a series), for logs and metrics.
  virtual void descriptors_exhausted() {}
};

class Listener {
 public:
  /// Whether nobody listens there yet. open() shares a port with others of the same user, which several loops need; two
  /// servers on one port would each take a part of the mail.
  [[nodiscard]] static Result<void, Problem> check_free(const Endpoint& at);
  /// Port 0: the kernel chooses; open the listeners of the other loops on local() then.
  [[nodiscard]] static Result<std::unique_ptr<Listener>, Problem> open(Loop& loop, const Endpoint& at);
  /// A local (Unix) socket, mode 0600; an old one at the path is replaced. Peers that are neither root nor the user of
  /// this process (SO_PEERCRED) are closed at once.
  [[nodiscard]] static Result<std::unique_ptr<Listener>, Problem> open_local(Loop& loop,
                                                                             const std::filesystem::path& path);
  virtual ~Listener() = default;

  [[nodiscard]] virtual const Endpoint& local() const = 0;
  /// Accepts until close() or cancellation. `handler` outlives it.
  [[nodiscard]] virtual Task<> run(ConnectionHandler& handler) = 0;
  /// No further connections; run() returns. On the loop.
  virtual void close() = 0;
};

}  // namespace posthorn::net
