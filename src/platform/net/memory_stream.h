// A pair of streams in memory: what one writes the other reads. For tests and simulations, with the faults of real
// networks: small pieces, stalls, cuts. TLS over it is real. Both ends on one loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "foundation/base/bytes.h"
#include "platform/net/loop.h"
#include "platform/net/stream.h"

namespace posthorn::net {

/// What one direction does to the octets written into it.
struct MemoryFaults {
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  std::size_t piece_octets_max = 65536;   ///< a read returns at most this many
  std::uint64_t stall_after = never;      ///< octets after the first so many are not delivered
  std::uint64_t cut_after = never;        ///< the connection is reset after so many
  std::size_t buffer_octets = 256 * KiB;  ///< a writer waits when so many are unread
};

struct MemoryPairOptions {
  Endpoint client{IpAddress{}, 0}, server{IpAddress{}, 0};
  MemoryFaults to_server, to_client;
};

struct MemoryPair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

[[nodiscard]] MemoryPair make_memory_pair(Loop& loop, const MemoryPairOptions& options = {});

}  // namespace posthorn::net
