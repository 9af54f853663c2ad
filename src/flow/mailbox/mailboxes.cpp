#include "flow/mailbox/mailboxes.h"

#include "flow/mailbox/failure.h"
#include "flow/mailbox/views.h"
#include "flow/mailbox/watch.h"

namespace posthorn::mailbox {

Mailboxes::Mailboxes(storage::Store& store, Folders& folders, const runtime::Clock& clock, runtime::IdSource& ids,
                     MailboxOptions options, runtime::Logger log)
    : store_(store),
      folders_(folders),
      clock_(clock),
      ids_(ids),
      options_(std::move(options)),
      undelete_time_(options_.undelete_time),
      log_(std::move(log)),
      views_(Views::make(store, options_.idle_view_emails_max)),
      watches_(Watches::make(store)) {}

Mailboxes::~Mailboxes() = default;

void Mailboxes::set_undelete_time(Duration time) {
  undelete_time_ = time;
}

Task<Outcome<storage::MailboxRow>> Mailboxes::mailbox_named(storage::AccountId account, std::string name) {
  const auto folders = co_await folders_.of(account);
  if (!folders)
    co_return fail(failure_of(folders.error(), OperationError::no_such_mailbox, "There is no such account."));
  const storage::MailboxRow* row = Folders::find(**folders, name);
  if (row == nullptr) co_return fail(failure(OperationError::no_such_mailbox, "There is no such mailbox."));
  co_return *row;
}

Task<Outcome<std::shared_ptr<View>>> Mailboxes::open(storage::AccountId account, MailboxId mailbox) {
  auto view = co_await views_->open(account, mailbox);
  if (!view) co_return fail(failure(OperationError::no_such_mailbox, "There is no such mailbox."));
  co_return view;
}

Task<Outcome<std::shared_ptr<View>>> Mailboxes::open(storage::AccountId account, std::string name) {
  const auto row = co_await mailbox_named(account, std::move(name));
  if (!row) co_return fail(row.error());
  co_return co_await open(account, row->id);
}

std::unique_ptr<Watch> Mailboxes::watch(storage::AccountId account, runtime::Executor executor) {
  return watches_->watch(account, std::move(executor));
}

Uid Mailboxes::take_recent(View& view) {
  const Uid first = views_->take_recent(view);
  const Uid next = view.first_recent();
  if (first < next) {
    storage::Unit unit;
    unit.mutations.emplace_back(storage::TakeRecent{view.account(), view.mailbox(), next});
    store_.commit_later(std::move(unit));
  }
  return first;
}

Task<Outcome<Status>> Mailboxes::status(storage::AccountId account, std::string name) {
  const auto named = co_await mailbox_named(account, std::move(name));
  if (!named) co_return fail(named.error());
  const MailboxId id = named->id;
  Status status;
  // What is in memory is as true as the database, and at hand.
  if (const auto view = views_->in_memory(id)) {
    const auto now = view->current();
    status = {*named,
              now->size(),
              now->totals().unseen,
              now->totals().deleted,
              now->totals().octets,
              now->size() - now->lower_bound(view->first_recent())};
    status.row.uid_next = now->uid_next();
    status.row.highest_modseq = now->highest_modseq();
    co_return status;
  }
  auto question = [account, id](storage::Reader& reader) { return read_status(reader, account, id); };
  auto read = co_await store_.read(std::move(question));
  if (!read) co_return fail(failure(OperationError::no_such_mailbox, "There is no such mailbox."));
  co_return *read;
}

std::optional<Status> Mailboxes::read_status(storage::Reader& reader, storage::AccountId account, MailboxId mailbox) {
  auto row = reader.mailbox(account, mailbox);
  if (!row) return std::nullopt;
  const storage::MailboxTotals totals = reader.totals(account, mailbox);
  std::uint64_t recent = 0;
  if (row->first_recent < row->uid_next)
    recent = reader.summaries(account, mailbox, row->first_recent, ~std::uint32_t{0}).size();
  return Status{std::move(*row), totals.messages, totals.unseen, totals.deleted, totals.octets, recent};
}

Task<Quota> Mailboxes::quota(storage::AccountId account) {
  auto question = [account](storage::Reader& reader) {
    const storage::UsageRow used = reader.usage(account);
    Quota quota{used.octets, 0, used.messages};
    if (const auto row = reader.account(account)) quota.octets_limit = row->quota_octets;
    return quota;
  };
  co_return co_await store_.read(std::move(question));
}

}  // namespace posthorn::mailbox
