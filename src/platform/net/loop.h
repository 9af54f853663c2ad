// Loop: what the connections of one event loop share. Made by the composition root, one for each of runtime's loops
// (or one over a VirtualLoop); outlives every stream, listener and session on it.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "foundation/base/bytes.h"
#include "platform/net/timer_wheel.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/executor.h"

namespace posthorn::net {

class Loop;

/// A read buffer of the loop, given back when this is destroyed. A session borrows one when there is something to
/// read and gives it back when it waits for input again, so that idle sessions hold none.
class BorrowedBuffer {
 public:
  static constexpr std::size_t octets = 64 * KiB;

  BorrowedBuffer() = default;
  BorrowedBuffer(BorrowedBuffer&& other) noexcept
      : loop_(std::exchange(other.loop_, nullptr)), memory_(std::move(other.memory_)) {}
  BorrowedBuffer& operator=(BorrowedBuffer&& other) noexcept {
    std::swap(loop_, other.loop_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~BorrowedBuffer() { give_back(); }

  [[nodiscard]] std::span<char> span() const { return {memory_.get(), memory_ ? octets : 0}; }
  inline void give_back();

 private:
  friend class Loop;
  BorrowedBuffer(Loop* loop, std::unique_ptr<char[]> memory) : loop_(loop), memory_(std::move(memory)) {}
  Loop* loop_ = nullptr;
  std::unique_ptr<char[]> memory_;
};

class Loop {
 public:
  /// Buffers kept for the next borrower; more may be out at a time.
  static constexpr std::size_t spare_buffers_max = 32;

  Loop(runtime::Executor executor, runtime::Clock& clock)
      : executor_(std::move(executor)), clock_(clock), deadlines_(clock, executor_) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] const runtime::Executor& executor() const { return executor_; }
  [[nodiscard]] runtime::Clock& clock() const { return clock_; }
  [[nodiscard]] TimerWheel& deadlines() { return deadlines_; }
  [[nodiscard]] BorrowedBuffer borrow_buffer() {
    if (spare_.empty()) return {this, std::make_unique_for_overwrite<char[]>(BorrowedBuffer::octets)};
    BorrowedBuffer buffer(this, std::move(spare_.back()));
    spare_.pop_back();
    return buffer;
  }

 private:
  runtime::Executor executor_;
  runtime::Clock& clock_;
  TimerWheel deadlines_;
  friend class BorrowedBuffer;
  std::vector<std::unique_ptr<char[]>> spare_;
};

void BorrowedBuffer::give_back() {
  if (memory_ && loop_->spare_.size() < Loop::spare_buffers_max) loop_->spare_.push_back(std::move(memory_));
  memory_.reset();
}

}  // namespace posthorn::net
