#include "flow/queue/service.h"

#include <ranges>

namespace posthorn::queue {

namespace {

struct DestinationsQuestion {
  std::vector<storage::DestinationRow> operator()(storage::Reader& reader) const { return reader.destinations(); }
};

/// The content of a mail among the unit's mutations, where it is in memory.
std::shared_ptr<const OctetString> content_in(const storage::Unit& unit, MailId id) {
  for (const storage::Mutation& mutation : unit.mutations)
    if (const auto* put = std::get_if<storage::PutContent>(&mutation); put != nullptr && put->id == id)
      return put->octets;
  return nullptr;
}

}  // namespace

std::unique_ptr<Queue> Queue::create(Surroundings surroundings, Policy policy, Routes routes) {
  return std::make_unique<Service>(std::move(surroundings), std::move(policy), std::move(routes));
}

Service::Service(Surroundings surroundings, Policy policy, Routes routes)
    : with_(std::move(surroundings)),
      group_("queue", with_.log),
      backlog_(std::move(policy)),
      routes_(std::make_shared<const Routes>(std::move(routes))) {
  if (with_.metrics == nullptr) return;
  runtime::Metrics& metrics = *with_.metrics;
  const std::string_view settled = "posthorn_queue_recipients_total";
  const std::string_view help = "Recipients of outgoing mail by what became of them in an attempt.";
  counters_.relayed = &metrics.counter(settled, help, {{"outcome", "relayed"}});
  counters_.deferred = &metrics.counter(settled, help, {{"outcome", "deferred"}});
  counters_.failed = &metrics.counter(settled, help, {{"outcome", "failed"}});
  counters_.reports = &metrics.counter("posthorn_queue_reports_total", "Delivery status reports written.");
  metrics.watch("posthorn_queue_recipients", "Recipients waiting in the queue.",
                [this] { return static_cast<double>(waiting()); });
  metrics.watch("posthorn_queue_couriers", "Outgoing deliveries at work.",
                [this] { return static_cast<double>(at_work()); });
}

Task<Result<void, Problem>> Service::start() {
  const std::vector<storage::DestinationRow> waiting_rows = co_await with_.store->read(DestinationsQuestion{});
  {
    const std::lock_guard lock(mutex_);
    for (const storage::DestinationRow& row : waiting_rows) backlog_.load(row);
  }
  runtime::spawn(group_, with_.executors.front(), "queue dispatch", dispatch());
  co_return Result<void, Problem>{};
}

Task<> Service::stop(Duration grace) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& couriers : idle_ | std::views::values)
      for (const auto& courier : couriers) courier->event.set();
  }
  kick();
  const auto alarm =
      with_.clock->call_at(now() + grace, co_await runtime::current_executor(), [this] { group_.cancel(); });
  co_await group_.join();
}

void Service::committed(std::span<const storage::CommittedUnit> units) {
  bool news = false;
  for (const storage::CommittedUnit& committed : units) {
    for (const storage::Mutation& mutation : committed.unit->mutations) {
      const auto* put = std::get_if<storage::PutQueued>(&mutation);
      if (put == nullptr) continue;
      auto content = content_in(*committed.unit, put->row.octets.content);
      const auto mail = std::make_shared<const Mail>(Mail{put->row, std::move(content)});
      const std::lock_guard lock(mutex_);
      backlog_.add(mail, put->recipients, now());
      news = true;
    }
  }
  if (news) kick();
}

void Service::reconfigure(Policy policy, Routes routes) {
  auto shared = std::make_shared<const Routes>(std::move(routes));
  const std::lock_guard lock(mutex_);
  backlog_.set_policy(std::move(policy));
  routes_ = std::move(shared);
}

Policy Service::policy() const {
  const std::lock_guard lock(mutex_);
  return backlog_.policy();
}

std::shared_ptr<const Routes> Service::routes() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

std::string Service::next_hop(std::string_view recipient, std::string_view sender, std::string_view stream) const {
  return routes()->next_hop(recipient, sender, stream);
}

std::uint64_t Service::waiting() const {
  const std::lock_guard lock(mutex_);
  return backlog_.recipients();
}

std::size_t Service::at_work() const {
  const std::lock_guard lock(mutex_);
  return backlog_.couriers();
}

bool Service::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Service::give_back(Operation operation, const std::vector<RowChange>& changes, bool done) {
  const std::lock_guard lock(mutex_);
  for (const RowChange& change : changes) {
    backlog_.give_back(change.before, done ? change.after : std::optional(change.before), now());
    // Who asks for an attempt now knows something that the hop's past failures do not tell.
    const bool is_due = operation == Operation::retry || operation == Operation::release;
    if (done && is_due) backlog_.awaken(change.before.domain, now());
  }
}

Task<Result<std::uint64_t, Problem>> Service::apply(Operation operation, storage::QueueFilter filter, std::string by,
                                                    Changes& told) {
  constexpr std::size_t page_max = 200;
  std::uint64_t changed = 0;
  for (MailId after{};;) {
    const Result<std::vector<Listed>, Problem> page = co_await list(*with_.store, filter, after, page_max);
    if (!page) co_return fail(page.error());
    if (page->empty()) break;
    after = page->back().mail.id;
    for (const Listed& listed : *page) {
      std::vector<RowChange> changes = plan_operation(operation, listed, filter.text, now());
      {
        // What a courier carries now is beyond recall; its own outcome will stand.
        const std::lock_guard lock(mutex_);
        std::erase_if(changes, [this](const RowChange& change) { return !backlog_.withdraw(change.before); });
      }
      if (changes.empty()) continue;
      storage::Unit unit = queue::unit_for(operation, changes, by, now());
      const Result<storage::Committed, storage::CommitFailure> done = co_await with_.store->commit(std::move(unit));
      give_back(operation, changes, done.has_value());
      if (!done)
        co_return fail(Problem{ProblemKind::unavailable, "cannot change the queue", "the store does not take it",
                               "look at the disk's free space"});
      changed += changes.size();
      if (const auto heard = co_await told.changed(queue::after(listed, changes)); !heard) {
        kick();
        co_return fail(heard.error());
      }
    }
  }
  kick();
  co_return changed;
}

}  // namespace posthorn::queue
