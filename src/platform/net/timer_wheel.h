// TimerWheel: deadlines of connections, one wheel a loop. Setting a later deadline costs one store (the entry moves
// when its old slot comes up), so a session may push its deadline at every read. Resolution: `tick`.
//
// Everything happens on the loop's executor. A Deadline must not outlive its wheel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "platform/runtime/clock.h"

namespace posthorn::net {

class TimerWheel;

/// One deadline; the owner derives from it. Not set at first.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  [[nodiscard]] TimePoint when() const { return when_; }

 protected:
  ~Deadline();
  /// Called once when the time has come (up to a tick later); the deadline is then no longer set.
  virtual void expired() = 0;

 private:
  friend class TimerWheel;
  void unlink();

  TimerWheel* wheel_ = nullptr;
  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
  TimePoint when_ = TimePoint::max();
  std::int64_t tick_ = 0;  // of the slot it stands in; `when_` may be later
  std::size_t slot_ = 0;
};

class TimerWheel {
 public:
  static constexpr Duration tick = std::chrono::milliseconds{250};
  static constexpr std::size_t slots = 4096;  // 17 minutes; what is later goes round again

  TimerWheel(runtime::Clock& clock, runtime::Executor executor);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Sets or moves; TimePoint::max() takes it off.
  void set(Deadline& deadline, TimePoint when);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Deadline;
  void link(Deadline& deadline);
  void push(Deadline& deadline, std::size_t slot);
  void arm(std::int64_t at_tick);
  void run();
  void run_slot(std::size_t slot, TimePoint now);
  [[nodiscard]] std::int64_t next_occupied_tick() const;

  runtime::Clock& clock_;
  runtime::Executor executor_;
  std::array<Deadline*, slots + 1> heads_{};  // the last one: the slot that is being run
  std::array<std::uint64_t, slots / 64> occupied_{};
  std::size_t size_ = 0;
  std::int64_t done_tick_;       // every slot up to this tick has been run
  std::int64_t armed_tick_ = 0;  // 0: no alarm
  std::unique_ptr<runtime::Clock::Alarm> alarm_;
};

}  // namespace posthorn::net
