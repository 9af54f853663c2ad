#include "platform/runtime/loops.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "platform/runtime/process.h"

namespace posthorn::runtime {
namespace {

namespace asio = boost::asio;

constexpr int kOneThread = 1;  // a hint to Asio: one thread runs it, others may post

/// How long real time is waited for other threads before looking again whether they still owe something.
constexpr std::chrono::milliseconds kBusyWait{1};

struct OneLoop {
  asio::io_context context{kOneThread};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
};

}  // namespace

class Loops::State {
 public:
  std::vector<std::unique_ptr<OneLoop>> loops;
  std::vector<std::jthread> threads;
  std::atomic<std::size_t> turn{0};
};

Loops::Loops(std::size_t count) : state_(std::make_unique<State>()) {
  ignore_sigpipe();
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) state_->loops.push_back(std::make_unique<OneLoop>());
}

Loops::~Loops() {
  stop();
}
std::size_t Loops::size() const {
  return state_->loops.size();
}
Executor Loops::executor(std::size_t index) const {
  return state_->loops[index]->context.get_executor();
}
Executor Loops::next_executor() {
  return executor(state_->turn.fetch_add(1) % size());
}

void Loops::start() {
  for (const auto& loop : state_->loops) {
    state_->threads.emplace_back([&loop] {
      name_this_thread("loop");
      loop->context.run();
    });
  }
}

void Loops::stop() {
  for (const auto& loop : state_->loops) loop->context.stop();
  state_->threads.clear();
}

class VirtualLoop::State {
 public:
  explicit State(VirtualClock& c) : clock(c) {}
  VirtualClock& clock;
  OneLoop loop;
  std::function<bool()> busy;
};

VirtualLoop::VirtualLoop(VirtualClock& clock) : state_(std::make_unique<State>(clock)) {
  ignore_sigpipe();
}
VirtualLoop::~VirtualLoop() = default;
Executor VirtualLoop::executor() const {
  return state_->loop.context.get_executor();
}
void VirtualLoop::set_busy(std::function<bool()> busy) {
  state_->busy = std::move(busy);
}

void VirtualLoop::run_ready() {
  asio::io_context& context = state_->loop.context;
  for (;;) {
    while (context.poll() != 0) {
    }
    if (state_->busy && state_->busy()) {
      context.run_one_for(kBusyWait);
    } else if (context.poll() == 0) {
      return;  // what was posted before the others had done has run, and has asked them for nothing new
    }
  }
}

void VirtualLoop::run_until(TimePoint end) {
  static_cast<void>(run_until([] { return false; }, end));
  state_->clock.advance_to(end);
  run_ready();
}

void VirtualLoop::run_for(Duration duration) {
  run_until(state_->clock.now() + duration);
}

bool VirtualLoop::run_until(const std::function<bool()>& done, TimePoint end) {
  run_ready();
  while (!done()) {
    const TimePoint next = state_->clock.next_alarm();
    if (next > end || next == TimePoint::max()) return false;
    state_->clock.advance_to(next);
    run_ready();
  }
  return true;
}

namespace {
struct Rethrow {
  void operator()(const std::exception_ptr& exception) const {
    if (exception) std::rethrow_exception(exception);
  }
};
/// Counts how deep run_to_end() is in itself.
class Deeper {
 public:
  explicit Deeper(std::size_t& depth) : depth_(depth) { ++depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  ~Deeper() { --depth_; }

 private:
  std::size_t& depth_;
};

/// The contexts that no thread's run_to_end() has now; for the life of the process. A thread that has posted the last
/// word to one may still be inside that call, at the context's own condition variable, when whoever waited for that
/// word has long gone.
class SpareContexts {
 public:
  std::unique_ptr<asio::io_context> take() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return std::make_unique<asio::io_context>(kOneThread);
    auto context = std::move(spare_.back());
    spare_.pop_back();
    return context;
  }
  void give(std::unique_ptr<asio::io_context> context) {
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(context));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<asio::io_context>> spare_;
};

SpareContexts& spare_contexts() {
  static auto* const spare = new SpareContexts;  // no destructor runs while threads may still be about
  return *spare;
}

/// Those of one thread: a task may run another to its end, which needs a context of its own.
class OwnContexts {
 public:
  OwnContexts() = default;
  OwnContexts(const OwnContexts&) = delete;
  OwnContexts& operator=(const OwnContexts&) = delete;
  ~OwnContexts() {
    for (auto& context : contexts_) spare_contexts().give(std::move(context));
  }
  asio::io_context& at(std::size_t depth) {
    if (contexts_.size() == depth) contexts_.push_back(spare_contexts().take());
    return *contexts_[depth];
  }

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
};

}  // namespace

void run_to_end(const std::function<Task<>()>& start) {
  ignore_sigpipe();
  thread_local OwnContexts contexts;
  thread_local std::size_t depth = 0;
  asio::io_context& context = contexts.at(depth);
  const Deeper deeper(depth);
  context.restart();
  bool ended = false;
  asio::co_spawn(context, start(), [&ended](const std::exception_ptr& exception) {
    ended = true;
    Rethrow{}(exception);
  });
  while (!ended && context.run_one() != 0) {
  }
}

}  // namespace posthorn::runtime
