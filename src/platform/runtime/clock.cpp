#include "platform/runtime/clock.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/runtime/event.h"

namespace posthorn::runtime {
namespace {

// The wall clock may be set while we sleep on the monotonic one: look again at least this often.
constexpr Duration kSleepMax = std::chrono::minutes{1};

struct SystemSleep : std::enable_shared_from_this<SystemSleep> {
  SystemSleep(const SystemClock& c, TimePoint w, const Executor& executor, std::function<void()> f)
      : clock(c), when(w), callback(std::move(f)), timer(executor) {}

  void start() {
    const Duration left = std::clamp(when - clock.now(), Duration{0}, kSleepMax);
    timer.expires_after(left);
    timer.async_wait([self = shared_from_this()](boost::system::error_code) { self->woke(); });
  }
  void woke() {
    if (cancelled) return;
    if (clock.now() < when) return start();
    const std::function<void()> run = std::move(callback);
    run();
  }

  const SystemClock& clock;
  TimePoint when;
  std::function<void()> callback;
  bool cancelled = false;
  boost::asio::steady_timer timer;
};

class SystemAlarm final : public Clock::Alarm {
 public:
  explicit SystemAlarm(std::shared_ptr<SystemSleep> sleep) : sleep_(std::move(sleep)) {}
  ~SystemAlarm() override {
    sleep_->cancelled = true;
    sleep_->timer.cancel();
  }

 private:
  std::shared_ptr<SystemSleep> sleep_;
};

}  // namespace

Task<> Clock::wait_until(TimePoint when) {
  const Executor executor = co_await current_executor();
  const Event due;
  const std::unique_ptr<Alarm> alarm = call_at(when, executor, [due] { due.set(); });
  co_await due.wait();
}

Task<> Clock::wait_for(Duration duration) {
  const TimePoint when = now() + duration;
  co_await wait_until(when);
}

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::unique_ptr<Clock::Alarm> SystemClock::call_at(TimePoint when, Executor executor, std::function<void()> callback) {
  auto sleep = std::make_shared<SystemSleep>(*this, when, executor, std::move(callback));
  sleep->start();
  return std::make_unique<SystemAlarm>(std::move(sleep));
}

struct VirtualClock::Entry {
  Executor executor;
  std::function<void()> callback;
  bool cancelled = false;
};

class VirtualClock::Handle final : public Clock::Alarm {
 public:
  Handle(const std::shared_ptr<Due>& due, TimePoint when, std::shared_ptr<Entry> entry)
      : due_(due), when_(when), entry_(std::move(entry)) {}
  ~Handle() override {
    entry_->cancelled = true;
    const auto due = due_.lock();
    if (!due) return;
    const auto [first, last] = due->equal_range(when_);
    const auto at = std::find_if(first, last, [this](const auto& item) { return item.second == entry_; });
    if (at != last) due->erase(at);
  }

 private:
  std::weak_ptr<Due> due_;
  TimePoint when_;
  std::shared_ptr<Entry> entry_;
};

std::unique_ptr<Clock::Alarm> VirtualClock::call_at(TimePoint when, Executor executor, std::function<void()> callback) {
  auto entry = std::make_shared<Entry>(std::move(executor), std::move(callback));
  due_->emplace(when, entry);
  return std::make_unique<Handle>(due_, when, std::move(entry));
}

TimePoint VirtualClock::next_alarm() const {
  return due_->empty() ? TimePoint::max() : due_->begin()->first;
}

void VirtualClock::advance_to(TimePoint when) {
  now_ = std::max(now_, when);
  while (!due_->empty() && due_->begin()->first <= now_) {
    const std::shared_ptr<Entry> entry = due_->begin()->second;
    due_->erase(due_->begin());
    boost::asio::post(entry->executor, [entry] {
      if (!entry->cancelled) entry->callback();
    });
  }
}

}  // namespace posthorn::runtime
