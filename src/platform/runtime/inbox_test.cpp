// Completions from other threads, through the inbox of a loop and where there is none.
#include "platform/runtime/inbox.h"

#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "platform/runtime/event.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"

namespace posthorn::runtime {
namespace {

constexpr std::size_t kAskers = 400;
constexpr std::size_t kRounds = 20;

struct Desk {
  SystemClock clock;
  Logger log{clock, [](std::string_view) {}, LogLevel::off, LogFormat::logfmt};
};

/// Questions that wait for an answer, from any thread.
class Questions {
 public:
  Promise<std::size_t> ask() {
    const std::lock_guard lock(mutex_);
    return waiting_.emplace_back();
  }
  std::vector<Promise<std::size_t>> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Promise<std::size_t>> waiting_;
};

struct Seen {
  std::atomic<std::size_t> answers{0};
  std::atomic<std::size_t> elsewhere{0};
  std::latch ended{kAskers};
};

Task<> ask_again_and_again(Questions& questions, Seen& seen) {
  const std::thread::id home = std::this_thread::get_id();
  for (std::size_t i = 0; i < kRounds; ++i) {
    const Promise<std::size_t> answer = questions.ask();
    if (co_await answer.wait() == 7) ++seen.answers;
    if (std::this_thread::get_id() != home) ++seen.elsewhere;
  }
  seen.ended.count_down();
}

TEST(Inbox, EveryCompletionArrivesOnItsOwnLoop) {
  Desk desk;
  Questions questions;
  Seen seen;
  TaskGroup group("askers", desk.log);
  Loops loops(2);
  loops.start();
  for (std::size_t i = 0; i < kAskers; ++i) {
    spawn(group, loops.next_executor(), "asker", ask_again_and_again(questions, seen));
  }
  std::vector<std::jthread> answerers;
  answerers.emplace_back([&] {  // many at once
    while (!seen.ended.try_wait()) {
      CompletionBatch batch;
      for (const auto& promise : questions.take()) batch.set(promise, 7);
    }
  });
  answerers.emplace_back([&] {  // one at a time, as who is alone is answered
    while (!seen.ended.try_wait()) {
      for (const auto& promise : questions.take()) {
        CompletionBatch batch;
        batch.set(promise, 7);
      }
    }
  });
  seen.ended.wait();
  answerers.clear();
  loops.stop();
  EXPECT_EQ(seen.answers, kAskers * kRounds);
  EXPECT_EQ(seen.elsewhere, 0u);
}

struct Unwound {
  std::vector<std::string>& events;
  ~Unwound() { events.emplace_back("destroyed"); }
};

Task<> wait_and_note(Event event, std::latch& waits, std::vector<std::string>& events) {
  const Unwound unwound{events};
  waits.count_down();
  co_await event.wait();
  events.emplace_back("resumed");
}

TEST(Inbox, WhatComesWhenTheLoopHasStoppedIsDestroyedWithIt) {
  Desk desk;
  std::vector<std::string> events;
  std::latch waits(1);
  {
    const Event event;
    TaskGroup group("late", desk.log);
    Loops loops(1);
    loops.start();
    spawn(group, loops.executor(0), "late", wait_and_note(event, waits, events));
    waits.wait();
    loops.stop();
    CompletionBatch batch;
    batch.set(event);
    batch.flush();
    EXPECT_TRUE(events.empty());
  }
  EXPECT_EQ(events, std::vector<std::string>{"destroyed"});
}

TEST(Inbox, IsClosedWhereALoopHasNoThread) {
  Desk desk;
  VirtualClock clock(from_unix_seconds(1'800'000'000));
  VirtualLoop loop(clock);
  Inbox::Waiters none;
  EXPECT_FALSE(Inbox::of(loop.executor()).put(none));
  std::vector<std::string> events;
  std::latch waits(1);
  const Event event;
  TaskGroup group("driven", desk.log);
  spawn(group, loop.executor(), "driven", wait_and_note(event, waits, events));
  loop.run_ready();
  CompletionBatch batch;
  batch.set(event);
  batch.flush();
  loop.run_ready();
  EXPECT_EQ(events, (std::vector<std::string>{"resumed", "destroyed"}));
}

}  // namespace
}  // namespace posthorn::runtime
