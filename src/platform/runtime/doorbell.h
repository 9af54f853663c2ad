// Doorbell: one thread sleeps until others ring.
//
// A condition variable costs the sleeper a system call more each time it is woken: taking the mutex again marks it as
// contended, so that letting go of it asks the kernel to wake somebody. Here nothing is held while one sleeps.
#pragma once

#include <semaphore.h>

#include "foundation/base/time.h"

namespace posthorn::runtime {

/// Rings are counted, so one that comes before the sleeper lies down is not lost. Thread-safe.
class Doorbell {
 public:
  Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  ~Doorbell();

  void ring();
  void wait();
  /// False: nobody rang in this time.
  [[nodiscard]] bool wait_for(Duration duration);

 private:
  sem_t rings_{};
};

}  // namespace posthorn::runtime
