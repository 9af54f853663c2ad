// Coroutines, clocks and threads on virtual and on real time.
#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "platform/runtime/deadline.h"
#include "platform/runtime/doorbell.h"
#include "platform/runtime/event.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/process.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"
#include "platform/runtime/worker_pool.h"

namespace posthorn::runtime {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);

struct World {
  VirtualClock clock{kStart};
  VirtualLoop loop{clock};
  std::vector<std::string> lines;
  Logger log{clock, [this](std::string_view line) { lines.emplace_back(line); }, LogLevel::debug, LogFormat::logfmt};
  TaskGroup group{"test", log};
  ~World() {
    group.cancel();
    loop.run_ready();
  }
};

Task<> note_after(Clock& clock, Duration wait, std::vector<int>& notes, int note) {
  co_await clock.wait_for(wait);
  notes.push_back(note);
}

TEST(VirtualClock, WakesSleepersInOrderOfTheirTimes) {
  World w;
  std::vector<int> notes;
  spawn(w.group, w.loop.executor(), "late", note_after(w.clock, 3h, notes, 3));
  spawn(w.group, w.loop.executor(), "early", note_after(w.clock, 1h, notes, 1));
  spawn(w.group, w.loop.executor(), "middle", note_after(w.clock, 2h, notes, 2));
  w.loop.run_for(2h);
  EXPECT_EQ(notes, (std::vector{1, 2}));
  EXPECT_EQ(w.clock.now(), kStart + 2h);
  w.loop.run_for(1h);
  EXPECT_EQ(notes, (std::vector{1, 2, 3}));
  EXPECT_EQ(w.group.size(), 0u);
}

TEST(VirtualClock, AnAlarmThatIsDestroyedDoesNotRing) {
  World w;
  int rang = 0;
  auto kept = w.clock.call_at(kStart + 1s, w.loop.executor(), [&rang] { rang += 1; });
  auto dropped = w.clock.call_at(kStart + 1s, w.loop.executor(), [&rang] { rang += 100; });
  dropped.reset();
  w.loop.run_for(5s);
  EXPECT_EQ(rang, 1);
}

TEST(SystemClock, SleepsOnRealTime) {
  SystemClock clock;
  TimePoint before = clock.now(), after{};
  run_to_end([&]() -> Task<> { return clock.wait_until(before + 20ms); });
  after = clock.now();
  EXPECT_GE(after - before, 20ms);
}

Task<> breaks() {
  throw std::runtime_error("the bottom fell out");
  co_return;
}

TEST(TaskGroup, LogsAChildThatBreaksAndGoesOn) {
  World w;
  spawn(w.group, w.loop.executor(), "fragile", breaks());
  w.loop.run_ready();
  EXPECT_EQ(w.group.size(), 0u);
  EXPECT_EQ(w.group.failures(), 1u);
  ASSERT_EQ(w.lines.size(), 1u);
  EXPECT_NE(w.lines[0].find("task=fragile why=\"the bottom fell out\""), std::string::npos) << w.lines[0];
}

struct Trace {
  std::vector<std::string>& events;
  ~Trace() { events.emplace_back("destroyed"); }
};

Task<> waits_for_ever(Event event, std::vector<std::string>& events) {
  const Trace trace{events};
  co_await event.wait();
  events.emplace_back("resumed");
}

Task<> join_and_note(TaskGroup& group, std::vector<std::string>& events) {
  co_await group.join();
  events.emplace_back("joined");
}

TEST(TaskGroup, CancelUnwindsChildrenAndJoinWaitsForThem) {
  World w;
  TaskGroup sessions("sessions", w.log);
  std::vector<std::string> events;
  const Event never;
  spawn(sessions, w.loop.executor(), "session", waits_for_ever(never, events));
  spawn(w.group, w.loop.executor(), "shutdown", join_and_note(sessions, events));
  w.loop.run_ready();
  EXPECT_TRUE(events.empty());
  sessions.cancel();
  w.loop.run_ready();
  EXPECT_EQ(events, (std::vector<std::string>{"destroyed", "joined"}));
  EXPECT_TRUE(w.lines.empty()) << "cancelling is no failure";
  never.set();
  spawn(sessions, w.loop.executor(), "too late", waits_for_ever(never, events));
  w.loop.run_ready();
  EXPECT_EQ(sessions.size(), 0u) << "a cancelled group starts nothing";
}

Task<int> slow_answer(Clock& clock, Duration wait) {
  co_await clock.wait_for(wait);
  co_return 42;
}

Task<> ask(Clock& clock, Duration patience, Duration wait, std::optional<int>& answer, bool& done) {
  Task<int> question = slow_answer(clock, wait);
  answer = co_await with_deadline(clock, clock.now() + patience, std::move(question));
  done = true;
}

TEST(Deadline, TheFirstOfTaskAndDeadlineDecides) {
  World w;
  std::optional<int> in_time, too_late;
  bool first_done = false, second_done = false;
  spawn(w.group, w.loop.executor(), "in time", ask(w.clock, 10s, 9s, in_time, first_done));
  spawn(w.group, w.loop.executor(), "too late", ask(w.clock, 10s, 11s, too_late, second_done));
  w.loop.run_for(10s);
  EXPECT_TRUE(first_done && second_done);
  EXPECT_EQ(in_time, 42);
  EXPECT_EQ(too_late, std::nullopt);
  EXPECT_EQ(w.clock.next_alarm(), TimePoint::max()) << "nothing is left behind";
}

Task<> collect(Promise<int> promise, std::thread::id expected, std::atomic<int>& sum, std::atomic<int>& elsewhere) {
  const int value = co_await promise.wait();
  if (std::this_thread::get_id() != expected) ++elsewhere;
  sum += value;
}

Task<> thread_of(std::thread::id& id, Event done) {
  id = std::this_thread::get_id();
  done.set();
  co_return;
}

TEST(Promise, BatchesResumeEveryWaiterOnItsOwnLoop) {
  SystemClock clock;
  Loops loops(2);
  loops.start();
  TaskGroup group("test", Logger{});
  std::atomic<int> sum = 0, elsewhere = 0;
  std::array<std::thread::id, 2> ids;
  run_to_end([&]() -> Task<> { return run_on(loops.executor(0), thread_of(ids[0], Event{})); });
  run_to_end([&]() -> Task<> { return run_on(loops.executor(1), thread_of(ids[1], Event{})); });
  std::vector<Promise<int>> promises(1000);
  for (std::size_t i = 0; i < promises.size(); ++i) {
    spawn(group, loops.executor(i % 2), "waiter", collect(promises[i], ids[i % 2], sum, elsewhere));
  }
  {
    CompletionBatch batch;
    for (auto& promise : promises) batch.set(promise, 1);
  }
  run_to_end([&]() -> Task<> { return group.join(); });
  EXPECT_EQ(sum, 1000);
  EXPECT_EQ(elsewhere, 0);
}

TEST(Promise, RacesOfSettingAndCancellingEndEveryWaiterOnce) {
  Loops loops(2);
  loops.start();
  for (int round = 0; round < 200; ++round) {
    TaskGroup group("test", Logger{});
    std::vector<std::string> ignored;
    Event event;
    spawn(group, loops.executor(0), "waiter", waits_for_ever(event, ignored));
    std::jthread setter([&event] { event.set(); });
    group.cancel();
    setter.join();
    run_to_end([&]() -> Task<> { return group.join(); });
    EXPECT_EQ(group.failures(), 0u);
    // Never started, or ended once: cancelled in its wait, or resumed.
    EXPECT_EQ(std::count(ignored.begin(), ignored.end(), "destroyed"), ignored.empty() ? 0 : 1);
  }
}

Task<> use_pool(WorkerPool& pool, std::optional<std::thread::id>& where, std::thread::id& back) {
  where = co_await pool.run([] { return std::this_thread::get_id(); });
  back = std::this_thread::get_id();
}

TEST(WorkerPool, RunsElsewhereAndComesBack) {
  WorkerPool pool(1, 4);
  std::optional<std::thread::id> where;
  std::thread::id back;
  run_to_end([&]() -> Task<> { return use_pool(pool, where, back); });
  ASSERT_TRUE(where.has_value());
  EXPECT_NE(*where, std::this_thread::get_id());
  EXPECT_EQ(back, std::this_thread::get_id());
}

Task<> run_job(WorkerPool& pool, std::function<int()> job, std::optional<int>& value, bool& ended) {
  value = co_await pool.run(std::move(job));
  ended = true;
}

TEST(WorkerPool, AFullQueueAnswersAtOnce) {
  World w;
  WorkerPool pool(1, 1);
  std::mutex gate;
  gate.lock();
  std::atomic<bool> started = false;
  std::optional<int> running, waiting, refused;
  bool running_ended = false, waiting_ended = false, refused_ended = false;
  const auto blocks = [&gate, &started] {
    started = true;
    const std::lock_guard lock(gate);
    return 1;
  };
  spawn(w.group, w.loop.executor(), "running", run_job(pool, blocks, running, running_ended));
  w.loop.run_ready();
  while (!started) std::this_thread::yield();
  spawn(w.group, w.loop.executor(), "waiting", run_job(pool, [] { return 2; }, waiting, waiting_ended));
  w.loop.run_ready();
  spawn(w.group, w.loop.executor(), "refused", run_job(pool, [] { return 3; }, refused, refused_ended));
  w.loop.run_ready();
  EXPECT_TRUE(refused_ended);
  EXPECT_EQ(refused, std::nullopt);
  gate.unlock();
  w.loop.set_busy([&w] { return w.group.size() != 0; });
  w.loop.run_ready();
  EXPECT_EQ(running, 1);
  EXPECT_EQ(waiting, 2);
}

/// Each question to another thread is begun by the answer to the one before.
Task<> ask_in_turn(std::atomic<int>& owed, int& answered) {
  constexpr int questions = 500;
  for (int i = 0; i < questions; ++i) {
    const Promise<int> answer;
    ++owed;
    const std::jthread other([answer, &owed] {
      answer.set(1);
      --owed;
    });
    answered += co_await answer.wait();
  }
}

TEST(VirtualLoop, IsNotAtRestWhileAnAnswerLeadsToTheNextQuestion) {
  std::atomic<int> owed = 0;
  int answered = 0;
  World w;
  w.loop.set_busy([&owed] { return owed != 0; });
  spawn(w.group, w.loop.executor(), "asker", ask_in_turn(owed, answered));
  w.loop.run_ready();
  EXPECT_EQ(answered, 500);
}

TEST(IdSource, IdsGrowEvenWhenTheClockStandsOrStepsBack) {
  VirtualClock clock(kStart);
  SeededRandom random(7);
  IdSource ids(clock, random);
  std::uint64_t last = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t id = ids.next();
    ASSERT_GT(id, last);
    last = id;
  }
  const VirtualClock earlier(kStart - 1h);
  IdSource other(earlier, random);
  EXPECT_EQ(other.next() >> 20, static_cast<std::uint64_t>(unix_micros(kStart - 1h) / 1000));
  clock.advance(1s);
  EXPECT_EQ(ids.make<MailId>().value >> 20, static_cast<std::uint64_t>(unix_micros(kStart + 1s) / 1000));
}

TEST(Random, BelowIsUniformEnoughAndBounded) {
  SeededRandom random(1);
  std::array<int, 3> seen{};
  for (int i = 0; i < 3000; ++i) ++seen[random.below(3)];
  for (const int n : seen) EXPECT_NEAR(n, 1000, 150);
  SystemRandom system;
  EXPECT_NE(system.next(), system.next());
}

Task<> take_signals(Signals& signals, std::vector<int>& got) {
  got.push_back(co_await signals.next());
  got.push_back(co_await signals.next());
}

TEST(Signals, AreAwaitedOneAfterAnother) {
  World w;
  Signals signals(w.loop.executor(), {SIGUSR1, SIGUSR2});
  std::vector<int> got;
  spawn(w.group, w.loop.executor(), "signals", take_signals(signals, got));
  w.loop.run_ready();
  raise(SIGUSR1);
  w.loop.run_ready();
  raise(SIGUSR2);
  w.loop.run_ready();
  EXPECT_EQ(got, (std::vector{SIGUSR1, SIGUSR2}));
}

TEST(Process, CountsItself) {
  EXPECT_GT(resident_octets(), 100'000u);
  EXPECT_GT(process_cpu_micros(), 0);
  EXPECT_GE(raise_descriptor_limit(), 256u);
}

// ---- run_to_end

Task<> count_up(int& count) {
  ++count;
  co_await SystemClock{}.wait_for(std::chrono::milliseconds(1));
  ++count;
}

Task<> run_another(int& count) {
  run_to_end([&] { return count_up(count); });
  co_await count_up(count);
}

TEST(RunToEnd, MayBeCalledFromATaskThatItRuns) {
  int count = 0;
  run_to_end([&] { return run_another(count); });
  EXPECT_EQ(count, 4);
}

TEST(Doorbell, ARingBeforeTheSleepIsNotLost) {
  Doorbell bell;
  bell.ring();
  bell.wait();
  EXPECT_FALSE(bell.wait_for(1us)) << "one ring wakes once";
}

TEST(Doorbell, WakesWhoSleepsInAnotherThread) {
  Doorbell bell;
  Doorbell answer;
  std::jthread sleeper([&] {
    bell.wait();
    answer.ring();
  });
  EXPECT_FALSE(answer.wait_for(1ms));
  bell.ring();
  EXPECT_TRUE(answer.wait_for(1min));
}

TEST(Process, AThreadBearsItsName) {
  std::string name;
  std::jthread([&name] {
    name_this_thread("the-committer");
    std::ifstream("/proc/thread-self/comm") >> name;
  }).join();
  EXPECT_EQ(name, "the-committer");
}

TEST(Process, ItsCommandIsWhatItsStarterSays) {
  ::setenv("POSTHORN_COMMAND", "./run", 1);
  EXPECT_EQ(command_name(), "./run");
  ::unsetenv("POSTHORN_COMMAND");
  EXPECT_EQ(command_name(), "posthorn");
}

}  // namespace
}  // namespace posthorn::runtime
