#include "platform/net/timer_wheel.h"

#include <bit>

namespace posthorn::net {
namespace {

std::int64_t floor_tick(TimePoint when) {
  return when.time_since_epoch() / TimerWheel::tick;
}
std::int64_t ceil_tick(TimePoint when) {
  return (when.time_since_epoch() + TimerWheel::tick - Duration{1}) / TimerWheel::tick;
}
constexpr std::size_t slot_of(std::int64_t at) {
  return static_cast<std::size_t>(at) % TimerWheel::slots;
}

}  // namespace

Deadline::~Deadline() {
  unlink();
}

void Deadline::unlink() {
  if (wheel_ == nullptr) return;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    wheel_->heads_[slot_] = next_;
    if (next_ == nullptr && slot_ < TimerWheel::slots) wheel_->occupied_[slot_ / 64] &= ~(1ULL << slot_ % 64);
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  --wheel_->size_;
  wheel_ = nullptr;
  next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(runtime::Clock& clock, runtime::Executor executor)
    : clock_(clock), executor_(std::move(executor)), done_tick_(floor_tick(clock.now())) {}

TimerWheel::~TimerWheel() {
  for (Deadline* head : heads_) {
    while (head != nullptr) {
      Deadline* const next = head->next_;
      head->unlink();
      head = next;
    }
  }
}

void TimerWheel::set(Deadline& deadline, TimePoint when) {
  deadline.when_ = when;
  if (when == TimePoint::max()) return deadline.unlink();
  // Later than the slot it stands in: it moves when that slot comes up.
  if (deadline.wheel_ != nullptr && ceil_tick(when) >= deadline.tick_) return;
  deadline.unlink();
  if (size_ == 0) done_tick_ = std::max(done_tick_, floor_tick(clock_.now()));
  link(deadline);
}

void TimerWheel::link(Deadline& deadline) {
  const auto last = done_tick_ + static_cast<std::int64_t>(slots) - 1;
  deadline.tick_ = std::clamp(ceil_tick(deadline.when_), done_tick_ + 1, last);
  push(deadline, slot_of(deadline.tick_));
  if (!alarm_ || deadline.tick_ < armed_tick_) arm(deadline.tick_);
}

void TimerWheel::push(Deadline& deadline, std::size_t slot) {
  deadline.wheel_ = this;
  deadline.slot_ = slot;
  deadline.previous_ = nullptr;
  deadline.next_ = std::exchange(heads_[slot], &deadline);
  if (deadline.next_ != nullptr) deadline.next_->previous_ = &deadline;
  if (slot < slots) occupied_[slot / 64] |= 1ULL << slot % 64;
  ++size_;
}

void TimerWheel::arm(std::int64_t at_tick) {
  armed_tick_ = at_tick;
  alarm_ = clock_.call_at(TimePoint{at_tick * tick}, executor_, [this] { run(); });
}

void TimerWheel::run() {
  const TimePoint now = clock_.now();
  const std::int64_t until = floor_tick(now);
  // After a jump of the clock every slot comes up once.
  const std::int64_t first = std::max(done_tick_ + 1, until - static_cast<std::int64_t>(slots) + 1);
  done_tick_ = std::max(done_tick_, until);
  armed_tick_ = done_tick_;  // nobody arms before this is through
  for (std::int64_t at = first; at <= until; ++at) run_slot(slot_of(at), now);
  alarm_.reset();
  if (size_ != 0) arm(next_occupied_tick());
}

void TimerWheel::run_slot(std::size_t slot, TimePoint now) {
  // Callbacks may set and destroy any deadline, so the slot is emptied one by one from a place of its own.
  while (Deadline* const deadline = heads_[slot]) {
    deadline->unlink();
    push(*deadline, slots);
  }
  while (Deadline* const deadline = heads_[slots]) {
    deadline->unlink();
    if (deadline->when_ > now) {
      link(*deadline);
    } else {
      deadline->when_ = TimePoint::max();
      deadline->expired();
    }
  }
}

std::int64_t TimerWheel::next_occupied_tick() const {
  for (std::size_t step = 1; step < slots;) {
    const std::size_t slot = slot_of(done_tick_ + static_cast<std::int64_t>(step));
    const std::uint64_t rest = occupied_[slot / 64] >> slot % 64;
    if (rest != 0) return done_tick_ + static_cast<std::int64_t>(step) + std::countr_zero(rest);
    step += 64 - slot % 64;
  }
  return done_tick_ + static_cast<std::int64_t>(slots) - 1;
}

}  // namespace posthorn::net
