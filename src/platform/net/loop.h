// Loop: what the connections of one event loop share. Made by the composition root, one for each of runtime's loops
// (or one over a VirtualLoop); outlives every stream, listener and session on it.
#pragma once

#include <memory>
#include <span>

#include "platform/net/timer_wheel.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/executor.h"

namespace posthorn::net {

class Loop {
 public:
  static constexpr std::size_t read_buffer_octets = 64 * 1024;

  Loop(runtime::Executor executor, runtime::Clock& clock)
      : executor_(executor),
        clock_(clock),
        deadlines_(clock, executor),
        read_buffer_(std::make_unique<char[]>(read_buffer_octets)) {}

  [[nodiscard]] const runtime::Executor& executor() const { return executor_; }
  [[nodiscard]] runtime::Clock& clock() const { return clock_; }
  [[nodiscard]] TimerWheel& deadlines() { return deadlines_; }
  /// One buffer for all sessions of the loop, so that idle ones hold none. What a session reads into it is the
  /// session's until its next co_await: feed the machine at once.
  [[nodiscard]] std::span<char> read_buffer() { return {read_buffer_.get(), read_buffer_octets}; }

 private:
  runtime::Executor executor_;
  runtime::Clock& clock_;
  TimerWheel deadlines_;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace posthorn::net
