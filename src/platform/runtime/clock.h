// Clock: the only place that asks what time it is or sleeps. The composition root makes one and hands it down;
// simulations and tests hand down a VirtualClock.
//
// A Clock outlives every coroutine and alarm that uses it. now() is thread-safe everywhere.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "foundation/base/time.h"
#include "platform/runtime/executor.h"

namespace posthorn::runtime {

class Clock {
 public:
  virtual ~Clock() = default;

  [[nodiscard]] virtual TimePoint now() const = 0;

  /// A callback that is due once. Destroying the alarm cancels it; when that happens on the alarm's own executor,
  /// the callback does not run afterwards.
  class Alarm {
   public:
    virtual ~Alarm() = default;
  };
  /// Runs `callback` on `executor` at `when` (at once, but never from inside this call, if that is past).
  [[nodiscard]] virtual std::unique_ptr<Alarm> call_at(TimePoint when, Executor executor,
                                                       std::function<void()> callback) = 0;

  /// Sleep. Cancelling the task group unwinds the sleeper.
  [[nodiscard]] Task<> wait_until(TimePoint when);
  [[nodiscard]] Task<> wait_for(Duration duration);
};

/// The machine's wall clock.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] std::unique_ptr<Alarm> call_at(TimePoint when, Executor executor,
                                               std::function<void()> callback) override;
};

/// Time that moves only when told to. Alarms and advance_to() belong to one thread.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(TimePoint start) : now_(start), due_(std::make_shared<Due>()) {}

  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] std::unique_ptr<Alarm> call_at(TimePoint when, Executor executor,
                                               std::function<void()> callback) override;

  /// The earliest alarm, or TimePoint::max().
  [[nodiscard]] TimePoint next_alarm() const;
  /// Moves time forward to `when` and posts the alarms due by then in order of their times (those set for the same
  /// time in the order they were set). Callbacks run when their executor does. Time never goes back.
  void advance_to(TimePoint when);
  void advance(Duration duration) { advance_to(now_ + duration); }

 private:
  struct Entry;
  using Due = std::multimap<TimePoint, std::shared_ptr<Entry>>;
  class Handle;

  TimePoint now_;
  std::shared_ptr<Due> due_;
};

}  // namespace posthorn::runtime
