// Intake: the octets of one message while they arrive. Holds them in memory up to a bound shared by all sessions,
// beyond that (or beyond 1 MB) streams them into a file of its own; so a hundred senders of 50 MB stay flat.
#pragma once

#include <cstdint>
#include <memory>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

class Intake {
 public:
  virtual ~Intake() = default;  ///< without finish(), what was streamed is removed

  /// Appends; may write to disk on a worker (awaits only then). Fails with `unavailable` when the disk is full.
  [[nodiscard]] virtual Task<Result<void, Problem>> append(Octets octets) = 0;
  /// True when append(n octets) would be a memory copy only; then append_now may be used instead.
  [[nodiscard]] virtual bool fits_in_memory(std::size_t n) const = 0;
  virtual void append_now(Octets octets) = 0;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// The first octets (the header section as far as it is held, at most `max`), also after streaming began.
  [[nodiscard]] virtual Octets head() const = 0;

  /// Makes the content durable where it is a file, and gives the mutation that stores it.
  [[nodiscard]] virtual Task<Result<PutContent, Problem>> finish() = 0;
};

}  // namespace posthorn::storage
