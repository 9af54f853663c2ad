// Outgoing connections.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "platform/net/loop.h"
#include "platform/net/stream.h"

namespace posthorn::net {

struct ConnectOptions {
  TimePoint deadline = TimePoint::max();
  std::optional<IpAddress> source;  ///< of the same family as the target
};

/// Why there is no connection, in the kernel's words ("connection refused"), for stories.
struct ConnectFailure {
  StreamError error = StreamError::reset;
  std::string reason;
  bool refused = false;  ///< the host is there and says that nobody listens
};

[[nodiscard]] Task<Result<std::unique_ptr<Stream>, ConnectFailure>> connect(Loop& loop, Endpoint to,
                                                                            ConnectOptions options);
[[nodiscard]] Task<Result<std::unique_ptr<Stream>, ConnectFailure>> connect_local(Loop& loop,
                                                                                  std::filesystem::path path);

/// How relay (and whatever else goes out) reaches the world; tests and simulations put their own in its place.
class Dialer {
 public:
  virtual ~Dialer() = default;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>, ConnectFailure>> dial(Loop& loop, Endpoint to,
                                                                                   ConnectOptions options) = 0;
};
/// The real one: connect().
class TcpDialer final : public Dialer {
 public:
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>, ConnectFailure>> dial(Loop& loop, Endpoint to,
                                                                           ConnectOptions options) override;
};

}  // namespace posthorn::net
