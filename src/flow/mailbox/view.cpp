#include "flow/mailbox/view.h"

#include <boost/asio/post.hpp>

namespace posthorn::mailbox {

/// What waits for a change. Armed by its session, disarmed by the committer.
class View::Subscriber : public std::enable_shared_from_this<Subscriber> {
 public:
  Subscriber(runtime::Executor executor, std::function<void()> wake)
      : executor_(std::move(executor)), wake_(std::move(wake)) {}

  void fire() {
    if (!armed_.exchange(false)) return;
    boost::asio::post(executor_, [self = shared_from_this()] {
      if (self->wake_) self->wake_();
    });
  }
  void arm() { armed_ = true; }
  /// On the executor.
  void cancel() {
    armed_ = false;
    wake_ = nullptr;
  }

 private:
  runtime::Executor executor_;
  std::function<void()> wake_;
  std::atomic<bool> armed_{true};
};

/// The session's end of it.
class View::Handle final : public View::Subscription {
 public:
  Handle(std::shared_ptr<View> view, std::shared_ptr<Subscriber> subscriber,
         const std::shared_ptr<const Version>& known)
      : view_(std::move(view)), subscriber_(std::move(subscriber)) {
    if (view_->current() != known) subscriber_->fire();
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() override { subscriber_->cancel(); }
  void rearm(const std::shared_ptr<const Version>& known) override {
    subscriber_->arm();
    if (view_->current() != known) subscriber_->fire();
  }

 private:
  std::shared_ptr<View> view_;
  std::shared_ptr<Subscriber> subscriber_;
};

View::View(storage::AccountId account, std::shared_ptr<const Version> first, Uid first_recent)
    : account_(account), mailbox_(first->mailbox()), current_(std::move(first)), first_recent_(first_recent) {}

std::unique_ptr<View::Subscription> View::subscribe(runtime::Executor executor,
                                                    const std::shared_ptr<const Version>& known,
                                                    std::function<void()> wake) {
  auto subscriber = std::make_shared<Subscriber>(std::move(executor), std::move(wake));
  {
    const std::lock_guard lock(subscribers_mutex_);
    std::erase_if(subscribers_, [](const auto& other) { return other.expired(); });
    subscribers_.push_back(subscriber);
  }
  return std::make_unique<Handle>(shared_from_this(), std::move(subscriber), known);
}

void View::publish(std::shared_ptr<const Version> next) {
  current_.store(std::move(next));
  const std::lock_guard lock(subscribers_mutex_);
  for (const auto& waiting : subscribers_)
    if (const auto subscriber = waiting.lock()) subscriber->fire();
}

Uid View::take_recent() {
  const Uid next = current()->uid_next();
  Uid first = first_recent_.load();
  while (first < next && !first_recent_.compare_exchange_weak(first, next)) {
  }
  return first;
}

}  // namespace posthorn::mailbox
