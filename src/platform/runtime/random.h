// Randomness and ids. Both are handed down by the composition root; simulations hand down seeded ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>
#include <span>

#include "foundation/base/id.h"
#include "platform/runtime/clock.h"

namespace posthorn::runtime {

/// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<unsigned char> into) = 0;

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound); 0 for a bound of 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

/// The kernel's generator: fit for secrets.
class SystemRandom final : public Random {
 public:
  void fill(std::span<unsigned char> into) override;
};

/// The same sequence for the same seed: for simulations only, never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<unsigned char> into) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

/// Makes the ids of base/id.h: 44 bits of milliseconds, 20 bits of counter. Thread-safe and lock-free; ids of one
/// source are strictly increasing, also where the clock steps back.
class IdSource {
 public:
  IdSource(const Clock& clock, Random& random) : clock_(clock), seed_(random.next()) {}

  [[nodiscard]] std::uint64_t next();
  template <class AnyId>
  [[nodiscard]] AnyId make() {
    return AnyId{next()};
  }

 private:
  const Clock& clock_;
  std::uint64_t seed_;
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace posthorn::runtime
