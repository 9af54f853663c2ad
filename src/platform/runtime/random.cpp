#include "platform/runtime/random.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <sys/random.h>

namespace posthorn::runtime {
namespace {

/// Spreads the bits of one number over all of another (the finalizer of splitmix64).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

void draw(std::span<unsigned char> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = getrandom(into.data() + done, into.size() - done, 0);
    if (got < 0 && errno != EINTR) std::abort();  // without randomness nothing may go on
    if (got > 0) done += static_cast<std::size_t>(got);
  }
}

/// What a thread has drawn ahead, so that a number (the id of a DNS question) costs no system call. What was given is
/// wiped. No thread of this process forks and goes on.
class Pool {
 public:
  void take(std::span<unsigned char> into) {
    if (octets_.size() - used_ < into.size()) {
      draw(octets_);
      used_ = 0;
    }
    std::memcpy(into.data(), octets_.data() + used_, into.size());
    std::memset(octets_.data() + used_, 0, into.size());
    used_ += into.size();
  }
  static constexpr std::size_t number_octets = sizeof(std::uint64_t);

 private:
  std::array<unsigned char, 64 * number_octets> octets_{};
  std::size_t used_ = octets_.size();
};

}  // namespace

std::uint64_t Random::next() {
  std::array<unsigned char, 8> octets{};
  fill(octets);
  std::uint64_t value = 0;
  std::memcpy(&value, octets.data(), octets.size());
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) return 0;
  // The numbers under `excess` would make some results likelier than others.
  const std::uint64_t excess = (std::numeric_limits<std::uint64_t>::max() - bound + 1) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= excess) return value % bound;
  }
}

void SystemRandom::fill(std::span<unsigned char> into) {
  if (into.size() > Pool::number_octets) return draw(into);
  thread_local Pool pool;
  pool.take(into);
}

void SeededRandom::fill(std::span<unsigned char> into) {
  const std::lock_guard lock(mutex_);
  for (std::size_t at = 0; at < into.size(); at += 8) {
    const std::uint64_t value = engine_();
    std::memcpy(into.data() + at, &value, std::min<std::size_t>(8, into.size() - at));
  }
}

std::uint64_t IdSource::next() {
  const std::uint64_t millis = static_cast<std::uint64_t>(unix_micros(clock_.now()) / 1000) & ((1ULL << 44) - 1);
  // The counter of each millisecond starts at random in its lower half, so that half a million ids fit above it and
  // two processes are unlikely to make the same.
  const std::uint64_t fresh = millis << 20 | (mix(seed_ ^ mix(millis)) & 0x7ffff);
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  std::uint64_t made = 0;
  do {
    made = std::max(fresh, last + 1);
  } while (!last_.compare_exchange_weak(last, made, std::memory_order_relaxed));
  return made;
}

}  // namespace posthorn::runtime
