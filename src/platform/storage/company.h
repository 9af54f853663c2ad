// Company: whether a group waits a moment for units that will probably come (committer.h). Who has just been answered
// often has the next unit: where several ask at the same time, those answered now and those who wait already make up
// the next group, and one sync serves all of them instead of every second one. Pure.
//
// The wait is a quarter of what a group takes at most, so that no unit takes much longer for it; who is alone never
// waits.
#pragma once

#include <algorithm>
#include <cstddef>

#include "foundation/base/time.h"

namespace posthorn::storage {

inline constexpr Duration company_wait_max = std::chrono::milliseconds(1);   // ours: a disk that takes longer is slow
inline constexpr Duration company_wait_min = std::chrono::microseconds(20);  // ours: less than going to sleep costs

class Company {
 public:
  /// A group was answered: so many units, while others were waiting already; it took that long.
  void answered(std::size_t units, std::size_t waiting, Duration took) {
    expected_ = units + waiting;
    wait_ = std::min(took / 4, company_wait_max);
  }
  /// How long so many waiting units wait for more; nothing where it is not worth it.
  [[nodiscard]] Duration wait_for(std::size_t waiting) const {
    return waiting < expected_ && wait_ >= company_wait_min ? wait_ : Duration::zero();
  }
  /// With so many nobody waits.
  [[nodiscard]] std::size_t expected() const { return expected_; }

 private:
  std::size_t expected_ = 0;
  Duration wait_{};
};

}  // namespace posthorn::storage
