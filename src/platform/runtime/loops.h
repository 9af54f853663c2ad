// Loops: one event loop per core, each with one thread. A connection lives on one loop.
//
// Order: make, start(), …, ask the task groups to end, stop(). stop() lets no handler run any more and joins the
// threads; what is still suspended is destroyed with the Loops.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "platform/runtime/clock.h"
#include "platform/runtime/executor.h"

namespace posthorn::runtime {

class Loops {
 public:
  /// 0: one per core.
  explicit Loops(std::size_t count = 0);
  Loops(const Loops&) = delete;
  Loops& operator=(const Loops&) = delete;
  ~Loops();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Executor executor(std::size_t index) const;
  /// A loop for work that belongs to none: round robin. Thread-safe.
  [[nodiscard]] Executor next_executor();

  void start();
  void stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// One loop without a thread, driven by the caller on virtual time: for tests and simulations. Runs what is ready,
/// and moves the clock to the next alarm when nothing is.
class VirtualLoop {
 public:
  explicit VirtualLoop(VirtualClock& clock);
  VirtualLoop(const VirtualLoop&) = delete;
  VirtualLoop& operator=(const VirtualLoop&) = delete;
  ~VirtualLoop();

  [[nodiscard]] Executor executor() const;
  /// True while another thread still owes an answer (a committer, a resolver); time then stands still and real
  /// time is waited. Optional.
  void set_busy(std::function<bool()> busy);

  /// Runs until nothing is ready; time does not move.
  void run_ready();
  /// Runs until virtual time `end`, which is then the present.
  void run_until(TimePoint end);
  void run_for(Duration duration);
  /// Runs until `done` says true (looked at whenever nothing is ready); false when virtual time `end` came first, or
  /// nothing is left that could happen.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, TimePoint end);

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// Runs one task to its end on a loop of its own and the machine's clock, for command-line verbs and tests with real
/// sockets. An exception of the task comes out here.
void run_to_end(const std::function<Task<>()>& start);

}  // namespace posthorn::runtime
