#include "flow/queue/backlog.h"

#include <algorithm>

namespace posthorn::queue {

// ---------------------------------------------------------------- entries

Backlog::Hop& Backlog::hop_for(const std::string& key) {
  std::unique_ptr<Hop>& slot = hops_[key];
  if (!slot) {
    slot = std::make_unique<Hop>();
    slot->key = key;
    slot->window = static_cast<double>(policy_.connections_per_hop_start);
    slot->threshold = static_cast<double>(policy_.connections_per_hop_max);
  }
  return *slot;
}

Backlog::Hop* Backlog::find(const std::string& key) {
  const auto found = hops_.find(key);
  return found == hops_.end() ? nullptr : found->second.get();
}

const Backlog::Hop* Backlog::find(const std::string& key) const {
  const auto found = hops_.find(key);
  return found == hops_.end() ? nullptr : found->second.get();
}

void Backlog::erase_if_empty(Hop& hop) {
  const bool busy = hop.ready_parcels > 0 || hop.taken > 0 || hop.couriers > 0 || hop.reading || hop.sweeping;
  if (busy || hop.in_line || hop.starved || hop.hungry || hop.earliest_stored != TimePoint::max()) return;
  if (hop.timer) timers_.erase(*hop.timer);
  const std::string key = hop.key;
  hops_.erase(key);
}

void Backlog::load(const storage::DestinationRow& row) {
  Hop& hop = hop_for(row.domain);
  recipients_ += row.recipients;
  stored(hop, row.earliest);
}

// ---------------------------------------------------------------- fresh mail

bool Backlog::has_room(const Hop& hop, std::size_t recipients) const {
  return in_memory_ + recipients <= policy_.recipients_in_memory_max && hop.taken + recipients <= hop_recipients_max;
}

void Backlog::stored(Hop& hop, TimePoint due) {
  hop.earliest_stored = std::min(hop.earliest_stored, due);
  if (hop.reading) hop.added_while_reading = std::min(hop.added_while_reading, due);
  touch(hop);
}

void Backlog::account(const Parcel& parcel, bool enters) {
  const std::size_t n = parcel.recipients.size();
  const std::uint64_t octets = parcel.mail->content ? parcel.mail->content->size() : 0;
  in_memory_ = enters ? in_memory_ + n : in_memory_ - n;
  octets_in_memory_ = enters ? octets_in_memory_ + octets : octets_in_memory_ - octets;
}

void Backlog::put_ready(Hop& hop, Parcel parcel) {
  account(parcel, true);
  hop.taken += parcel.recipients.size();
  for (const storage::RecipientRow& row : parcel.recipients) taken_.insert(key_of(row));
  ++hop.ready_parcels;
  hop.ready[parcel.mail->row.priority].push_back(std::move(parcel));
}

void Backlog::add(const std::shared_ptr<const Mail>& mail, const std::vector<storage::RecipientRow>& recipients,
                  TimePoint now) {
  const bool octets_fit = mail->content && octets_in_memory_ + mail->content->size() <= policy_.octets_in_memory_max;
  const auto carried = octets_fit || !mail->content ? mail : std::make_shared<const Mail>(Mail{mail->row, nullptr});
  std::map<std::string_view, Parcel> parcels;
  for (const storage::RecipientRow& row : recipients) {
    if (row.state != storage::RecipientState::queued) continue;
    ++recipients_;
    if (taken_.contains(key_of(row))) continue;  // a page read was quicker than the news of the commit
    Hop& hop = hop_for(row.domain);
    const bool keep = row.not_before <= now && hop.asleep_until <= now && has_room(hop, 1);
    if (!keep) {
      stored(hop, row.not_before);
      continue;
    }
    Parcel& parcel = parcels[hop.key];
    parcel.mail = carried;
    parcel.recipients.push_back(row);
    if (parcel.recipients.size() < policy_.parcel_recipients) continue;
    put_ready(hop, std::move(parcel));
    parcel = Parcel{};
    touch(hop);
  }
  for (auto& [key, parcel] : parcels) {
    if (parcel.recipients.empty()) continue;
    Hop& hop = hop_for(std::string(key));
    put_ready(hop, std::move(parcel));
    touch(hop);
  }
}

// ---------------------------------------------------------------- what to do next

void Backlog::touch(Hop& hop) {
  if (hop.in_line) return;
  if (hop.timer) {
    timers_.erase(*hop.timer);
    hop.timer.reset();
  }
  hop.in_line = true;
  const int priority = hop.ready.empty() ? 0 : hop.ready.begin()->first;
  lines_[priority].push_back(&hop);
}

void Backlog::park(Hop& hop, TimePoint now) {
  TimePoint when = TimePoint::max();
  if (hop.failures > 0 && !hop.sweeping) when = hop.sweep_at;
  const bool asleep = hop.asleep_until > now;
  if (asleep && hop.ready_parcels > 0) when = std::min(when, hop.asleep_until);
  if (hop.earliest_stored != TimePoint::max() && !hop.reading && hop.earliest_stored > now)
    when = std::min(when, std::max(hop.asleep_until, hop.earliest_stored));
  if (asleep && hop.earliest_stored <= now) when = std::min(when, hop.asleep_until);
  if (when != TimePoint::max()) hop.timer = timers_.emplace(when, &hop);
  const bool wants_page = !asleep && !hop.reading && hop.earliest_stored <= now;
  if (wants_page && !hop.hungry && !has_room(hop, 1)) {
    hop.hungry = true;
    hungry_.push_back(&hop);
  }
  erase_if_empty(hop);
}

std::optional<Job> Backlog::next(TimePoint now) {
  while (!timers_.empty() && timers_.begin()->first <= now) touch(*timers_.begin()->second);
  while (!lines_.empty()) {
    const auto line = lines_.begin();
    Hop& hop = *line->second.front();
    line->second.pop_front();
    if (line->second.empty()) lines_.erase(line);
    hop.in_line = false;
    auto job = job_for(hop, now);
    if (std::exchange(hop.granted, false)) {
      --granted_;
      if (!job || job->kind != Job::Kind::carry) feed_starved();
    }
    if (job) {
      touch(hop);
      return job;
    }
    park(hop, now);
  }
  return std::nullopt;
}

TimePoint Backlog::next_time() const {
  return timers_.empty() ? TimePoint::max() : timers_.begin()->first;
}

std::size_t Backlog::allowed(const Hop& hop) const {
  if (hop.failures > 0) return 1;
  return std::clamp<std::size_t>(static_cast<std::size_t>(hop.window), 1, policy_.connections_per_hop_max);
}

bool Backlog::may_read(const Hop& hop, TimePoint now) const {
  if (hop.reading || hop.earliest_stored > now || hop.asleep_until > now) return false;
  const std::size_t low = hop.failures > 0 ? 1 : hop_recipients_low;
  return hop.ready_parcels < low && has_room(hop, 1);
}

std::optional<Job> Backlog::job_for(Hop& hop, TimePoint now) {
  if (hop.failures > 0 && !hop.sweeping && hop.sweep_at <= now) {
    hop.sweeping = true;
    return Job{Job::Kind::sweep, hop.key, page_recipients};
  }
  if (may_read(hop, now)) {
    hop.reading = true;
    hop.added_while_reading = TimePoint::max();
    const std::size_t page = hop.failures > 0 ? page_recipients_for_probe : page_recipients;
    return Job{Job::Kind::read, hop.key, page + hop.taken};
  }
  if (hop.asleep_until > now || hop.ready_parcels <= hop.arriving) return std::nullopt;
  if (hop.couriers - hop.idle >= allowed(hop)) return std::nullopt;
  if (hop.idle > 0) {
    --hop.idle;
    ++hop.arriving;
    return Job{Job::Kind::wake, hop.key, 0};
  }
  const bool others_first = (granted_ > 0 || !starved_.empty()) && !hop.granted;
  if (couriers_ >= policy_.connections_max || others_first) {
    if (!hop.starved) starved_.push_back(&hop);
    hop.starved = true;
    return std::nullopt;
  }
  if (hop.couriers++ == 0) ++hops_at_work_;
  ++couriers_;
  ++hop.arriving;
  return Job{Job::Kind::carry, hop.key, 0};
}

void Backlog::feed_starved() {
  if (starved_.empty() || couriers_ >= policy_.connections_max) return;
  Hop& hop = *starved_.front();
  starved_.pop_front();
  hop.starved = false;
  hop.granted = true;
  ++granted_;
  touch(hop);
}

void Backlog::feed_hungry() {
  if (hungry_.empty() || in_memory_ >= policy_.recipients_in_memory_max) return;
  Hop& hop = *hungry_.front();
  hungry_.pop_front();
  hop.hungry = false;
  touch(hop);
}

// ---------------------------------------------------------------- couriers

std::optional<Parcel> Backlog::take(const std::string& key, bool arriving) {
  Hop& hop = hop_for(key);
  if (arriving && hop.arriving > 0) --hop.arriving;
  const std::size_t share = std::max<std::size_t>(1, policy_.connections_max / std::max<std::size_t>(1, hops_at_work_));
  const bool too_many = hop.couriers - hop.idle > allowed(hop) || (!starved_.empty() && hop.couriers > share);
  if (hop.ready.empty() || (too_many && !arriving)) return std::nullopt;
  const auto line = hop.ready.begin();
  Parcel parcel = std::move(line->second.front());
  line->second.pop_front();
  if (line->second.empty()) hop.ready.erase(line);
  --hop.ready_parcels;
  if (hop.ready_parcels < hop_recipients_low && hop.earliest_stored != TimePoint::max() && !hop.reading) touch(hop);
  return parcel;
}

bool Backlog::idle(const std::string& key) {
  Hop& hop = hop_for(key);
  if (!starved_.empty() || hop.asleep_until > TimePoint{} || hop.couriers - hop.idle > allowed(hop)) return false;
  ++hop.idle;
  return true;
}

void Backlog::idle_over(const std::string& key) {
  Hop& hop = hop_for(key);
  if (hop.idle > 0) --hop.idle;
}

void Backlog::gone(const std::string& key) {
  Hop& hop = hop_for(key);
  --couriers_;
  if (--hop.couriers == 0) --hops_at_work_;
  feed_starved();
  touch(hop);
}

void Backlog::untake(Hop& hop, const RecipientKey& key) {
  taken_.erase(key);
  --hop.taken;
  if (hop.reading) hop.settled_while_reading.push_back(key);
}

void Backlog::settled(const std::string& key, const Parcel& parcel, const std::vector<storage::RecipientRow>& back,
                      HopHealth health, TimePoint began, TimePoint now) {
  Hop& hop = hop_for(key);
  account(parcel, false);
  for (const storage::RecipientRow& row : parcel.recipients) untake(hop, key_of(row));
  recipients_ -= std::min<std::uint64_t>(recipients_, parcel.recipients.size() - back.size());
  for (const storage::RecipientRow& row : back) {
    hop.earliest_stored = std::min(hop.earliest_stored, row.not_before);
    if (hop.reading) hop.added_while_reading = std::min(hop.added_while_reading, row.not_before);
  }
  bear(hop, health, began, now);
  feed_hungry();
  const bool more_to_carry = hop.ready_parcels > hop.arriving && hop.couriers - hop.idle < allowed(hop);
  if (more_to_carry || !back.empty() || may_read(hop, now) || hop.asleep_until > now) touch(hop);
}

void Backlog::bear(Hop& hop, HopHealth health, TimePoint began, TimePoint now) {
  const double most = static_cast<double>(policy_.connections_per_hop_max);
  switch (health) {
    case HopHealth::fine:
      if (hop.failures > 0) hop.window = std::max(hop.window, static_cast<double>(policy_.connections_per_hop_start));
      hop.failures = hop.overloads = 0;
      hop.last_fine = now;
      hop.asleep_until = TimePoint{};
      hop.sweep_at = TimePoint::max();
      hop.window = std::min(most, hop.window + (hop.window < hop.threshold ? 1 : 1 / hop.window));
      return;
    case HopHealth::overloaded:
      ease(hop, began, now);
      return;
    case HopHealth::unreachable:
      // One connection refused while others do well: the host has as many as it wants.
      if (hop.window >= 2 && hop.last_fine >= began) {
        ease(hop, began, now);
        return;
      }
      if (began < hop.eased_at) return;
      hop.eased_at = now;
      if (hop.failures++ == 0) hop.sweep_at = now + overload_wait;
      hop.window = 1;
      hop.threshold = std::max(2.0, hop.threshold / 2);
      fall_asleep(hop, policy_.wait_after(hop.failures), now);
      return;
  }
}

void Backlog::ease(Hop& hop, TimePoint began, TimePoint now) {
  if (began < hop.eased_at) return;
  hop.eased_at = now;
  if (hop.window < 2) fall_asleep(hop, overload_wait * (1u << std::min(hop.overloads++, 8u)), now);
  hop.window = hop.threshold = std::max(1.0, hop.window / 2);
}

void Backlog::fall_asleep(Hop& hop, Duration wait, TimePoint now) {
  hop.asleep_until = now + std::min(wait, policy_.destination_wait_max);
  forget_ready(hop);
}

void Backlog::forget_ready(Hop& hop) {
  for (const auto& [priority, parcels] : hop.ready) {
    for (const Parcel& parcel : parcels) {
      account(parcel, false);
      for (const storage::RecipientRow& row : parcel.recipients) {
        untake(hop, key_of(row));
        stored(hop, row.not_before);
      }
    }
  }
  hop.ready.clear();
  hop.ready_parcels = 0;
}

void Backlog::set_last_verdict(const std::string& key, Verdict verdict) {
  hop_for(key).last_verdict = std::move(verdict);
}

Verdict Backlog::last_verdict(const std::string& key) const {
  const Hop* hop = find(key);
  return hop == nullptr ? Verdict{} : hop->last_verdict;
}

std::size_t Backlog::allowed(const std::string& key) const {
  const Hop* hop = find(key);
  return hop == nullptr ? policy_.connections_per_hop_start : allowed(*hop);
}

TimePoint Backlog::asleep_until(const std::string& key) const {
  const Hop* hop = find(key);
  return hop == nullptr ? TimePoint{} : hop->asleep_until;
}

// ---------------------------------------------------------------- pages

void Backlog::page_read(const std::string& key, std::vector<PageRow> rows, std::size_t max, TimePoint now) {
  Hop& hop = hop_for(key);
  hop.reading = false;
  std::unordered_set<RecipientKey, RecipientKeyHash> settled(hop.settled_while_reading.begin(),
                                                             hop.settled_while_reading.end());
  hop.settled_while_reading.clear();
  TimePoint left = rows.size() >= max ? now : TimePoint::max();
  Parcel parcel;
  for (PageRow& page_row : rows) {
    if (taken_.contains(key_of(page_row.row)) || settled.contains(key_of(page_row.row))) continue;
    const bool fits = page_row.row.not_before <= now && has_room(hop, parcel.recipients.size() + 1);
    if (!fits) {
      left = page_row.row.not_before;
      break;
    }
    const bool joins = parcel.mail && parcel.mail->row.id == page_row.row.mail;
    if (parcel.mail && (!joins || parcel.recipients.size() >= policy_.parcel_recipients))
      put_ready(hop, std::exchange(parcel, Parcel{}));
    if (!parcel.mail) parcel.mail = std::move(page_row.mail);
    parcel.recipients.push_back(std::move(page_row.row));
  }
  if (parcel.mail) put_ready(hop, std::move(parcel));
  hop.earliest_stored = std::min(left, hop.added_while_reading);
  touch(hop);
}

void Backlog::swept(const std::string& key, TimePoint next, TimePoint now) {
  Hop& hop = hop_for(key);
  hop.sweeping = false;
  hop.sweep_at = std::max(next, now + overload_wait);
  touch(hop);
}

// ---------------------------------------------------------------- what somebody else changes

bool Backlog::withdraw(const storage::RecipientRow& row) {
  const RecipientKey key = key_of(row);
  Hop& hop = hop_for(row.domain);
  if (!taken_.contains(key)) {
    taken_.insert(key);
    ++hop.taken;
    return true;
  }
  for (auto& [priority, parcels] : hop.ready) {
    for (auto parcel = parcels.begin(); parcel != parcels.end(); ++parcel) {
      const auto found = std::ranges::find_if(parcel->recipients, [&](const auto& r) { return key_of(r) == key; });
      if (found == parcel->recipients.end()) continue;
      account(*parcel, false);
      parcel->recipients.erase(found);
      account(*parcel, true);
      if (parcel->recipients.empty()) {
        account(*parcel, false);
        parcels.erase(parcel);
        --hop.ready_parcels;
      }
      if (parcels.empty()) hop.ready.erase(priority);
      return true;
    }
  }
  return false;  // a courier has it, or another change is under way
}

void Backlog::give_back(const storage::RecipientRow& before, const std::optional<storage::RecipientRow>& after,
                        TimePoint now) {
  (void)now;
  Hop& hop = hop_for(before.domain);
  untake(hop, key_of(before));
  const bool was_waiting = before.state == storage::RecipientState::queued;
  const bool waits = after && after->state == storage::RecipientState::queued;
  if (was_waiting && !waits) recipients_ -= std::min<std::uint64_t>(recipients_, 1);
  if (!was_waiting && waits) ++recipients_;
  if (waits) stored(hop_for(after->domain), after->not_before);
  touch(hop);
}

void Backlog::awaken(const std::string& key, TimePoint now) {
  Hop* hop = find(key);
  if (hop == nullptr) return;
  hop->asleep_until = TimePoint{};
  if (hop->earliest_stored != TimePoint::max()) hop->earliest_stored = std::min(hop->earliest_stored, now);
  touch(*hop);
}

}  // namespace posthorn::queue
