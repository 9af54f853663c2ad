// Transport: what moves octets under a TransportStream: a socket, or a pair of pipes in memory. Private to net.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <openssl/types.h>

#include "foundation/base/bytes.h"
#include "foundation/base/task.h"
#include "platform/net/endpoint.h"
#include "platform/net/loop.h"
#include "platform/net/stream.h"

namespace posthorn::net {

enum class Direction : unsigned char { input, output };

/// What one attempt to read or write gave.
struct Moved {
  enum class State : unsigned char { done, would_block, ended, broken };
  State state = State::done;
  std::size_t octets = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  [[nodiscard]] virtual Moved read(std::span<char> into) = 0;
  [[nodiscard]] virtual Moved write(Octets octets) = 0;
  /// Returns when an attempt may succeed, at wake(), or when cancelled.
  [[nodiscard]] virtual Task<> wait(Direction direction) = 0;
  virtual void wake() = 0;
  virtual void end_output() = 0;
  virtual void close() = 0;
  [[nodiscard]] virtual const Endpoint& peer() const = 0;
  [[nodiscard]] virtual const Endpoint& local() const = 0;
};

[[nodiscard]] std::unique_ptr<Stream> make_stream(Loop& loop, std::unique_ptr<Transport> transport);
/// A BIO that reads and writes through `transport`, which outlives it.
[[nodiscard]] BIO* make_bio(Transport& transport);

}  // namespace posthorn::net
