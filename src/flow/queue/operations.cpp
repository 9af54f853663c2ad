#include "flow/queue/operations.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "site/journal/story.h"

namespace posthorn::queue {

namespace {

constexpr std::size_t operation_page = 200;

/// As QueueFilter matches a recipient: where mail goes by a static route, its domain is only in its address.
bool names_recipient(const storage::RecipientRow& row, std::string_view filter) {
  const std::string_view domain = std::string_view(row.address).substr(row.address.rfind('@') + 1);
  return text::iequals(row.address, filter) || text::iequals(row.domain, filter) || text::iequals(domain, filter);
}

std::optional<RowChange> change_of(Operation operation, const storage::RecipientRow& row, TimePoint now) {
  RowChange change{row, row};
  const bool held = row.state == storage::RecipientState::held;
  switch (operation) {
    case Operation::retry:
      if (held) return std::nullopt;
      change.after->not_before = now;
      return change;
    case Operation::hold:
      if (held) return std::nullopt;
      change.after->state = storage::RecipientState::held;
      return change;
    case Operation::release:
      if (!held) return std::nullopt;
      change.after->state = storage::RecipientState::queued;
      change.after->not_before = now;
      return change;
    case Operation::drop:
      change.after.reset();
      return change;
  }
  return std::nullopt;
}

std::string_view told(Operation operation) {
  switch (operation) {
    case Operation::retry:
      return "to be tried at once";
    case Operation::hold:
      return "held";
    case Operation::release:
      return "released";
    case Operation::drop:
      return "dropped from the queue";
  }
  return "changed";
}

/// A page of the queue with recipients, asked on a reader thread.
struct ListQuestion {
  storage::QueueFilter filter;
  MailId after;
  std::size_t max = 0;

  std::vector<Listed> operator()(storage::Reader& reader) const {
    std::vector<Listed> listed;
    for (storage::QueueRow& row : reader.queue_page(filter, after, max)) {
      std::vector<storage::RecipientRow> recipients = reader.recipients(row.id);
      listed.push_back(Listed{std::move(row), std::move(recipients)});
    }
    return listed;
  }
};

}  // namespace

std::string_view text(storage::RecipientState state) {
  return state == storage::RecipientState::held ? "held" : "queued";
}

std::vector<RowChange> plan_operation(Operation operation, const Listed& listed, std::string_view filter,
                                      TimePoint now) {
  const bool narrow = !filter.empty() && std::ranges::any_of(listed.recipients, [&](const auto& row) {
    return names_recipient(row, filter);
  });
  std::vector<RowChange> changes;
  for (const storage::RecipientRow& row : listed.recipients) {
    if (narrow && !names_recipient(row, filter)) continue;
    if (auto change = change_of(operation, row, now)) changes.push_back(std::move(*change));
  }
  return changes;
}

Listed after(const Listed& listed, const std::vector<RowChange>& changes) {
  Listed told{listed.mail, {}};
  for (const RowChange& change : changes) told.recipients.push_back(change.after.value_or(change.before));
  return told;
}

storage::Unit unit_for(Operation operation, const std::vector<RowChange>& changes, std::string_view by, TimePoint now) {
  storage::Unit unit;
  journal::Story story;
  for (const RowChange& change : changes) {
    const storage::RecipientRow& row = change.before;
    if (change.after)
      unit.mutations.emplace_back(storage::PutRecipient{*change.after});
    else
      unit.mutations.emplace_back(storage::RemoveRecipient{row.mail, row.index});
    const auto outcome = change.after ? journal::Outcome::queued : journal::Outcome::discarded;
    story.recipient(now, journal::Stage::administration, told(operation), row.address, outcome, "", "");
    story.with("by", by);
  }
  if (!changes.empty())
    unit.mutations.emplace_back(storage::AppendStory{story.take_part(changes.front().before.mail, now)});
  return unit;
}

Task<Result<std::vector<Listed>, Problem>> list(storage::Store& store, storage::QueueFilter filter, MailId after,
                                                std::size_t max) {
  ListQuestion question{std::move(filter), after, std::min(max, list_page_max)};
  co_return co_await store.read(std::move(question));
}

Task<Result<std::uint64_t, Problem>> apply_offline(storage::Store& store, runtime::Clock& clock, Operation operation,
                                                   storage::QueueFilter filter, std::string by, Changes& told) {
  std::uint64_t changed = 0;
  for (MailId after{};;) {
    const Result<std::vector<Listed>, Problem> page = co_await list(store, filter, after, operation_page);
    if (!page) co_return fail(page.error());
    if (page->empty()) co_return changed;
    after = page->back().mail.id;
    for (const Listed& listed : *page) {
      const std::vector<RowChange> changes = plan_operation(operation, listed, filter.text, clock.now());
      if (changes.empty()) continue;
      storage::Unit unit = unit_for(operation, changes, by, clock.now());
      const Result<storage::Committed, storage::CommitFailure> done = co_await store.commit(std::move(unit));
      if (!done)
        co_return fail(Problem{ProblemKind::unavailable, "cannot change the queue", "the store does not take it",
                               "look at the disk's free space"});
      changed += changes.size();
      if (const auto heard = co_await told.changed(queue::after(listed, changes)); !heard)
        co_return fail(heard.error());
    }
  }
}

}  // namespace posthorn::queue
