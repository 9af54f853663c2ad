#include "flow/submission/rate_limiter.h"

#include <algorithm>

namespace posthorn::submission {
namespace {

constexpr Duration kWindow = std::chrono::hours(1);

bool take(double& bucket, std::uint64_t limit) {
  if (limit == 0) return true;
  if (bucket < 1) return false;
  bucket -= 1;
  return true;
}

}  // namespace

bool RateLimiter::take_message(std::string_view login, TimePoint now) {
  const std::lock_guard lock(mutex_);
  return take(refilled(login, now).messages, messages_max_);
}

bool RateLimiter::take_recipient(std::string_view login, TimePoint now) {
  const std::lock_guard lock(mutex_);
  return take(refilled(login, now).recipients, recipients_max_);
}

void RateLimiter::set(std::uint64_t messages_per_hour, std::uint64_t recipients_per_hour) {
  const std::lock_guard lock(mutex_);
  for (auto& [login, buckets] : logins_) {
    buckets.messages += static_cast<double>(messages_per_hour) - static_cast<double>(messages_max_);
    buckets.recipients += static_cast<double>(recipients_per_hour) - static_cast<double>(recipients_max_);
  }
  messages_max_ = messages_per_hour;
  recipients_max_ = recipients_per_hour;
}

RateLimiter::Buckets& RateLimiter::refilled(std::string_view login, TimePoint now) {
  forget_idle(now);
  const auto messages_full = static_cast<double>(messages_max_);
  const auto recipients_full = static_cast<double>(recipients_max_);
  const auto [entry, is_new] = logins_.try_emplace(std::string(login), Buckets{messages_full, recipients_full, now});
  Buckets& buckets = entry->second;
  if (!is_new && now > buckets.at) {
    const double hours = static_cast<double>((now - buckets.at).count()) / static_cast<double>(kWindow.count());
    buckets.messages = std::min(messages_full, buckets.messages + hours * messages_full);
    buckets.recipients = std::min(recipients_full, buckets.recipients + hours * recipients_full);
    buckets.at = now;
  }
  return buckets;
}

void RateLimiter::forget_idle(TimePoint now) {
  if (now - swept_ < kWindow) return;
  swept_ = now;
  // After an hour a bucket is full again: forgetting it changes nothing.
  std::erase_if(logins_, [now](const auto& entry) { return now - entry.second.at > kWindow; });
}

}  // namespace posthorn::submission
