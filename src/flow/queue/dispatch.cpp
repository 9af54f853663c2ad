// The dispatcher: does what the backlog says is next, sleeps until something changes or is due.
#include <algorithm>

#include "flow/queue/service.h"

namespace posthorn::queue {

namespace {

/// Reads what is due for a hop, and the first row that is not, so that its time is known.
struct PageQuestion {
  std::string hop;
  std::size_t max = 0;
  TimePoint now;

  std::vector<PageRow> operator()(storage::Reader& reader) const {
    std::vector<PageRow> page;
    std::shared_ptr<const Mail> mail;
    for (storage::RecipientRow& row : reader.waiting(hop, storage::QueuePosition{}, max)) {
      const bool due = row.not_before <= now;
      if (due && (!mail || mail->row.id != row.mail)) {
        auto found = reader.queued(row.mail);
        if (!found) continue;
        mail = std::make_shared<const Mail>(Mail{std::move(*found), nullptr});
      }
      page.push_back(PageRow{std::move(row), due ? mail : nullptr});
      if (!due) break;
    }
    return page;
  }
};

/// A page of all that waits for a hop, due or not, with mails.
struct SweepQuestion {
  std::string hop;
  storage::QueuePosition after;

  std::vector<PageRow> operator()(storage::Reader& reader) const {
    std::vector<PageRow> page;
    std::shared_ptr<const Mail> mail;
    for (storage::RecipientRow& row : reader.waiting(hop, after, page_recipients)) {
      if (!mail || mail->row.id != row.mail) {
        auto found = reader.queued(row.mail);
        if (!found) continue;
        mail = std::make_shared<const Mail>(Mail{std::move(*found), nullptr});
      }
      page.push_back(PageRow{std::move(row), mail});
    }
    return page;
  }
};

}  // namespace

void Service::kick() {
  const std::lock_guard lock(mutex_);
  if (kicked_) return;
  kicked_ = true;
  kick_.set();
}

Task<> Service::dispatch() {
  while (!stopping()) {
    run_jobs();
    runtime::Event event;
    TimePoint when;
    {
      const std::lock_guard lock(mutex_);
      if (backlog_.has_runnable() || stopping_) continue;
      kick_ = event;
      kicked_ = false;
      when = backlog_.next_time();
    }
    std::unique_ptr<runtime::Clock::Alarm> alarm;
    if (when != TimePoint::max()) alarm = with_.clock->call_at(when, with_.executors.front(), [event] { event.set(); });
    co_await event.wait();
  }
}

void Service::run_jobs() {
  for (;;) {
    std::optional<Job> job;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      job = backlog_.next(now());
    }
    if (!job) return;
    run(*job);
  }
}

void Service::run(const Job& job) {
  const runtime::Executor& here = with_.executors.front();
  switch (job.kind) {
    case Job::Kind::carry: {
      const std::size_t loop = next_loop_++ % with_.executors.size();
      runtime::spawn(group_, with_.executors[loop], "queue courier", work(job.hop, loop));
      return;
    }
    case Job::Kind::wake:
      wake_idle(job.hop);
      return;
    case Job::Kind::read:
      runtime::spawn(group_, here, "queue page", read_page(job.hop, job.max));
      return;
    case Job::Kind::sweep:
      runtime::spawn(group_, here, "queue sweep", sweep(job.hop));
      return;
  }
}

void Service::wake_idle(const std::string& hop) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_.find(hop);
  if (found == idle_.end()) return;
  const std::shared_ptr<IdleCourier> courier = std::move(found->second.back());
  found->second.pop_back();
  if (found->second.empty()) idle_.erase(found);
  courier->woken = true;
  courier->event.set();
}

Task<> Service::read_page(std::string hop, std::size_t max) {
  PageQuestion question{hop, max, now()};
  std::vector<PageRow> rows = co_await with_.store->read(std::move(question));
  const std::size_t found = rows.size();
  const std::shared_ptr<const Routes> table = routes();
  // The configuration may have changed since the row was written: routes decide when the mail goes.
  std::vector<std::pair<storage::RecipientRow, std::string>> strays;
  std::erase_if(rows, [&](const PageRow& page_row) {
    if (!page_row.mail) return false;
    const storage::QueueRow& mail = page_row.mail->row;
    std::string key = table->next_hop(page_row.row.address, mail.sender, mail.stream);
    if (key.empty() || key == hop) return false;
    strays.emplace_back(page_row.row, std::move(key));
    return true;
  });
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(strays, [this](const auto& stray) { return !backlog_.withdraw(stray.first); });
    // A page that held strays is not known to be the end.
    backlog_.page_read(hop, std::move(rows), strays.empty() && found < max ? max : found, now());
  }
  for (auto& [row, key] : strays) co_await change_hop(row, key);
  kick();
}

Task<> Service::change_hop(storage::RecipientRow row, std::string next_hop) {
  storage::RecipientRow after = row;
  after.domain = std::move(next_hop);
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::RecipientUnchanged{row.mail, row.index, row.attempts});
  unit.mutations.emplace_back(storage::PutRecipient{after});
  const Result<storage::Committed, storage::CommitFailure> done = co_await with_.store->commit(std::move(unit));
  const std::lock_guard lock(mutex_);
  backlog_.give_back(row, done ? after : row, now());
}

Task<> Service::sweep(std::string hop) {
  TimePoint next = TimePoint::max();
  storage::QueuePosition position;
  const Policy rules = policy();
  for (bool more = true; more && !stopping();) {
    SweepQuestion question{hop, position};
    const std::vector<PageRow> page = co_await with_.store->read(std::move(question));
    more = page.size() >= page_recipients;
    for (const PageRow& page_row : page) {
      const storage::RecipientRow& row = page_row.row;
      position = {row.not_before, row.mail, row.index};
      Verdict verdict;
      {
        const std::lock_guard lock(mutex_);
        verdict = backlog_.last_verdict(hop);
      }
      std::optional<Decision> decision = decide_waiting(rules, *page_row.mail, row, verdict, now());
      if (!decision) {
        next = std::min(next, next_deadline(rules, *page_row.mail, row));
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        if (!backlog_.withdraw(row)) continue;
      }
      std::vector<Decision> decisions{std::move(*decision)};
      const std::vector<storage::RecipientRow> back = co_await commit(page_row.mail, std::move(decisions), {}, {});
      const std::lock_guard lock(mutex_);
      backlog_.give_back(row, back.empty() ? std::nullopt : std::optional(back.front()), now());
    }
  }
  {
    const std::lock_guard lock(mutex_);
    backlog_.swept(hop, next, now());
  }
  kick();
}

}  // namespace posthorn::queue
