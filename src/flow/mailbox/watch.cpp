#include "flow/mailbox/watch.h"

#include <optional>
#include <set>

#include <boost/asio/post.hpp>

namespace posthorn::mailbox {
namespace {

/// Whose mailboxes a mutation changes.
std::optional<storage::AccountId> account_of(const storage::Mutation& mutation) {
  if (const auto* add = std::get_if<storage::AddEmail>(&mutation)) return add->row.account;
  if (const auto* put = std::get_if<storage::PutMailbox>(&mutation)) return put->row.account;
  const auto named = [](const auto& other) -> std::optional<storage::AccountId> {
    if constexpr (requires { storage::AccountId{other.account}; }) return other.account;
    return std::nullopt;
  };
  return std::visit(named, mutation);
}

bool changes_names(const storage::Mutation& mutation) {
  return std::holds_alternative<storage::PutMailbox>(mutation) ||
         std::holds_alternative<storage::DeleteMailbox>(mutation) ||
         std::holds_alternative<storage::PutSubscription>(mutation);
}

/// Mailboxes of other accounts in the same unit are among them; whoever asks knows which are theirs.
AccountEvents events_of(const storage::CommittedUnit& unit) {
  AccountEvents events;
  for (const storage::Placed& placed : unit.outcome->placed) ++events.mailboxes[placed.mailbox].arrived;
  for (const storage::Gone& gone : unit.outcome->gone) events.mailboxes[gone.mailbox].expunged = true;
  for (const storage::FlagsNow& now : unit.outcome->flags)
    if (now.changed) events.mailboxes[now.mailbox].flags = true;
  for (const storage::Mutation& mutation : unit.unit->mutations) {
    if (const auto* set = std::get_if<storage::SetFlags>(&mutation)) events.mailboxes[set->mailbox].flags = true;
    events.names |= changes_names(mutation);
  }
  return events;
}

}  // namespace

// ---------------------------------------------------------------- one session's

class Watches::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  explicit Watcher(runtime::Executor executor) : executor_(std::move(executor)) {}

  void add(const AccountEvents& news) {
    const std::lock_guard lock(mutex_);
    news_.names |= news.names;
    for (const auto& [mailbox, events] : news.mailboxes) {
      MailboxEvents& known = news_.mailboxes[mailbox];
      known.arrived += events.arrived;
      known.expunged |= events.expunged;
      known.flags |= events.flags;
    }
    fire();
  }

  [[nodiscard]] bool has_news() {
    const std::lock_guard lock(mutex_);
    return news_.any();
  }
  [[nodiscard]] AccountEvents take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
  }
  void forget_arrivals(storage::MailboxId mailbox, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    const auto found = news_.mailboxes.find(mailbox);
    if (found == news_.mailboxes.end()) return;
    found->second.arrived -= std::min(found->second.arrived, count);
    if (!found->second.any()) news_.mailboxes.erase(found);
  }
  void arm(std::function<void()> wake) {
    wake_ = std::move(wake);
    const std::lock_guard lock(mutex_);
    is_armed_ = true;
    fire();
  }
  /// On the executor.
  void cancel() { wake_ = nullptr; }

 private:
  void fire() {
    if (!is_armed_ || !news_.any()) return;
    is_armed_ = false;
    boost::asio::post(executor_, [self = shared_from_this()] {
      if (self->wake_) self->wake_();
    });
  }

  runtime::Executor executor_;
  std::function<void()> wake_;  ///< the executor's alone
  std::mutex mutex_;
  AccountEvents news_;
  bool is_armed_ = false;
};

class Watches::Handle final : public Watch {
 public:
  Handle(std::shared_ptr<Watches> watches, storage::AccountId account, std::shared_ptr<Watcher> watcher)
      : watches_(std::move(watches)), account_(account), watcher_(std::move(watcher)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() override {
    watcher_->cancel();
    watcher_.reset();
    watches_->forget(account_);
  }
  [[nodiscard]] bool has_news() const override { return watcher_->has_news(); }
  [[nodiscard]] AccountEvents take() override { return watcher_->take(); }
  void forget_arrivals(storage::MailboxId mailbox, std::uint64_t count) override {
    watcher_->forget_arrivals(mailbox, count);
  }
  void arm(std::function<void()> wake) override { watcher_->arm(std::move(wake)); }

 private:
  std::shared_ptr<Watches> watches_;
  storage::AccountId account_;
  std::shared_ptr<Watcher> watcher_;
};

// ---------------------------------------------------------------- all of them

std::shared_ptr<Watches> Watches::make(storage::Store& store) {
  auto watches = std::make_shared<Watches>();
  store.observe([watches](std::span<const storage::CommittedUnit> units) { watches->committed(units); });
  return watches;
}

std::unique_ptr<Watch> Watches::watch(storage::AccountId account, runtime::Executor executor) {
  auto watcher = std::make_shared<Watcher>(std::move(executor));
  const std::lock_guard lock(mutex_);
  watchers_[account.value].push_back(watcher);
  return std::make_unique<Handle>(shared_from_this(), account, std::move(watcher));
}

void Watches::forget(storage::AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto found = watchers_.find(account.value);
  if (found == watchers_.end()) return;
  std::erase_if(found->second, [](const auto& watcher) { return watcher.expired(); });
  if (found->second.empty()) watchers_.erase(found);
}

void Watches::committed(std::span<const storage::CommittedUnit> units) {
  const std::lock_guard lock(mutex_);
  if (watchers_.empty()) return;
  for (const storage::CommittedUnit& unit : units) collect(unit);
}

void Watches::collect(const storage::CommittedUnit& unit) {
  std::set<std::int64_t> accounts;
  for (const storage::Mutation& mutation : unit.unit->mutations) {
    const auto account = account_of(mutation);
    if (account && watchers_.contains(account->value)) accounts.insert(account->value);
  }
  if (accounts.empty()) return;
  const AccountEvents events = events_of(unit);
  if (!events.any()) return;
  for (const std::int64_t account : accounts)
    for (const auto& each : watchers_.at(account))
      if (const auto watcher = each.lock()) watcher->add(events);
}

}  // namespace posthorn::mailbox
