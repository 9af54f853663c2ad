#include "platform/runtime/doorbell.h"

#include <cerrno>
#include <ctime>

namespace posthorn::runtime {

Doorbell::Doorbell() {
  sem_init(&rings_, 0, 0);
}

Doorbell::~Doorbell() {
  sem_destroy(&rings_);
}

void Doorbell::ring() {
  sem_post(&rings_);
}

void Doorbell::wait() {
  while (sem_wait(&rings_) != 0 && errno == EINTR) {
  }
}

bool Doorbell::wait_for(Duration duration) {
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
  until.tv_sec += whole.count();
  until.tv_nsec += std::chrono::nanoseconds(duration - whole).count();
  if (constexpr long second = 1'000'000'000; until.tv_nsec >= second) {
    until.tv_nsec -= second;
    ++until.tv_sec;
  }
  while (sem_clockwait(&rings_, CLOCK_MONOTONIC, &until) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace posthorn::runtime
