// A courier's day: take a parcel, carry it, commit what came of it, take the next; wait a little where there is none.
#include <algorithm>

#include "flow/queue/service.h"

namespace posthorn::queue {

std::optional<Parcel> Service::take(const std::string& hop, bool arriving) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return std::nullopt;
  return backlog_.take(hop, arriving);
}

Task<> Service::work(std::string hop, std::size_t loop) {
  const std::unique_ptr<Courier> courier = with_.office->courier(hop, loop);
  for (bool arriving = true;;) {
    std::optional<Parcel> parcel = take(hop, arriving);
    arriving = false;
    if (parcel) {
      co_await carry(*courier, hop, std::move(*parcel));
      continue;
    }
    if (!courier->is_warm() || !co_await wait_for_work(hop, loop)) break;
    arriving = true;
  }
  co_await courier->rest();
  {
    const std::lock_guard lock(mutex_);
    backlog_.gone(hop);
  }
  kick();
}

Task<bool> Service::wait_for_work(std::string hop, std::size_t loop) {
  const auto waiting = std::make_shared<IdleCourier>();
  Duration patience;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !backlog_.idle(hop)) co_return false;
    idle_[hop].push_back(waiting);
    patience = backlog_.policy().linger;
  }
  const runtime::Event event = waiting->event;
  const auto alarm = with_.clock->call_at(now() + patience, with_.executors[loop], [event] { event.set(); });
  co_await event.wait();
  const std::lock_guard lock(mutex_);
  if (waiting->woken) co_return true;
  backlog_.idle_over(hop);
  const auto couriers = idle_.find(hop);
  if (couriers != idle_.end()) {
    std::erase(couriers->second, waiting);
    if (couriers->second.empty()) idle_.erase(couriers);
  }
  co_return false;
}

Task<> Service::carry(Courier& courier, std::string hop, Parcel parcel) {
  const TimePoint began = now();
  Delivery delivery = co_await courier.deliver(parcel);
  std::vector<Decision> decisions = decide(policy(), parcel, delivery, now());
  const HopHealth health = delivery.health;
  if (health == HopHealth::unreachable && !delivery.recipients.empty()) {
    const std::lock_guard lock(mutex_);
    backlog_.set_last_verdict(hop, delivery.recipients.front().verdict);
  }
  const std::vector<storage::RecipientRow> back =
      co_await commit(parcel.mail, std::move(decisions), std::move(delivery.contacts), std::move(delivery.notes));
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    backlog_.settled(hop, parcel, back, health, began, now());
    news = backlog_.has_runnable();
  }
  if (news) kick();
}

}  // namespace posthorn::queue
