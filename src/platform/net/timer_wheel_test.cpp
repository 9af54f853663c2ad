// Deadlines on virtual time.
#include "platform/net/timer_wheel.h"

#include <gtest/gtest.h>

#include "platform/runtime/loops.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kWheelStart = from_unix_seconds(1'800'000'000);

struct WheelWorld {
  runtime::VirtualClock clock{kWheelStart};
  runtime::VirtualLoop loop{clock};
  TimerWheel wheel{clock, loop.executor()};
};

class Bell final : public Deadline {
 public:
  explicit Bell(WheelWorld& world) : world_(world) {}
  std::vector<Duration> rang;
  std::function<void()> then;

 private:
  void expired() override {
    rang.push_back(world_.clock.now() - kWheelStart);
    if (then) then();
  }
  WheelWorld& world_;
};

TEST(TimerWheel, RingsWithinATickOfItsTime) {
  WheelWorld w;
  for (const Duration after : std::initializer_list<Duration>{1ms, 249ms, 250ms, 1s, 5min, 17min, 1h, 30h}) {
    Bell bell(w);
    const TimePoint begun = w.clock.now();
    w.wheel.set(bell, begun + after);
    w.loop.run_for(after - 1us);
    EXPECT_TRUE(bell.rang.empty()) << after.count();
    w.loop.run_for(TimerWheel::tick);
    EXPECT_EQ(bell.rang.size(), 1u) << after.count();
  }
  EXPECT_EQ(w.wheel.size(), 0u);
}

TEST(TimerWheel, PushingADeadlineOnIsCheapAndKept) {
  WheelWorld w;
  Bell bell(w);
  for (int i = 0; i < 100; ++i) {
    w.wheel.set(bell, w.clock.now() + 10s);
    w.loop.run_for(9s);
  }
  EXPECT_TRUE(bell.rang.empty());
  w.loop.run_for(2s);
  EXPECT_EQ(bell.rang.size(), 1u);
}

TEST(TimerWheel, AnEarlierDeadlineReplacesALaterOne) {
  WheelWorld w;
  Bell bell(w);
  w.wheel.set(bell, kWheelStart + 1h);
  w.wheel.set(bell, kWheelStart + 1s);
  w.loop.run_for(2s);
  ASSERT_EQ(bell.rang.size(), 1u);
  w.loop.run_for(2h);
  EXPECT_EQ(bell.rang.size(), 1u) << "it is not set any more";
}

TEST(TimerWheel, TakenOffOrDestroyedDeadlinesDoNotRing) {
  WheelWorld w;
  Bell off(w);
  auto gone = std::make_unique<Bell>(w);
  w.wheel.set(off, kWheelStart + 1s);
  w.wheel.set(*gone, kWheelStart + 1s);
  w.wheel.set(off, TimePoint::max());
  gone.reset();
  EXPECT_EQ(w.wheel.size(), 0u);
  w.loop.run_for(5s);
  EXPECT_TRUE(off.rang.empty());
}

TEST(TimerWheel, ACallbackMayDestroyOthersOfTheSameSlotAndSetItselfAgain) {
  WheelWorld w;
  Bell first(w);
  auto second = std::make_unique<Bell>(w);
  auto third = std::make_unique<Bell>(w);
  int rang = 0;
  first.then = [&] { w.wheel.set(first, w.clock.now() + 1s); };
  // Whichever comes first destroys the other, never the function that is running.
  second->then = [&] {
    ++rang;
    third.reset();
  };
  third->then = [&] {
    ++rang;
    second.reset();
  };
  w.wheel.set(first, kWheelStart + 1s);
  w.wheel.set(*second, kWheelStart + 1s);
  w.wheel.set(*third, kWheelStart + 1s);
  w.loop.run_for(3500ms);
  EXPECT_EQ(rang, 1);
  EXPECT_EQ(first.rang.size(), 3u);
}

}  // namespace
}  // namespace posthorn::net
