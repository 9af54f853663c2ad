#include "platform/runtime/inbox.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

namespace posthorn::runtime {

namespace asio = boost::asio;

Inbox& Inbox::of(const Executor& executor) {
  return asio::use_service<Inbox>(asio::query(executor, asio::execution::context));
}

void Inbox::open(const Executor& executor) {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) return;
  bell_.emplace(executor, descriptor);
  listen();
}

bool Inbox::put(Waiters& waiters) {
  if (!bell_) return false;
  auto letter = std::make_unique<Letter>(std::move(waiters));
  Letter* const added = letter.release();  // the list's from here on
  Letter* before = newest_.load(std::memory_order_relaxed);
  do {
    static_cast<void>(added->next.release());
    added->next.reset(before);
  } while (!newest_.compare_exchange_weak(before, added, std::memory_order_acq_rel));
  if (before != nullptr) return true;  // whoever put that one rings
  constexpr std::uint64_t one = 1;
  static_cast<void>(::write(bell_->native_handle(), &one, sizeof one));
  return true;
}

/// The descriptor is registered once; Asio tries to read before it waits, so that no ring is lost.
void Inbox::listen() {
  bell_->async_read_some(asio::buffer(&rings_, sizeof rings_), [this](boost::system::error_code error, std::size_t) {
    if (error) return;
    deliver();
    listen();
  });
}

std::unique_ptr<Inbox::Letter> Inbox::take_all() {
  std::unique_ptr<Letter> newest(newest_.exchange(nullptr, std::memory_order_acq_rel));
  std::unique_ptr<Letter> oldest;
  while (newest) {
    std::unique_ptr<Letter> older = std::exchange(newest->next, std::move(oldest));
    oldest = std::exchange(newest, std::move(older));
  }
  return oldest;
}

void Inbox::deliver() {
  for (auto letter = take_all(); letter; letter = std::move(letter->next)) {
    for (auto& waiter : letter->waiters) detail::Waiter::complete(std::move(waiter), false);
  }
}

void Inbox::discard() {
  for (auto letter = take_all(); letter; letter = std::move(letter->next)) letter->waiters.clear();
}

void Inbox::shutdown() {
  bell_.reset();
  discard();
}

}  // namespace posthorn::runtime
