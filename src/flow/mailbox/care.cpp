// What nobody asked for at the time: bringing expunged emails back, ending undelete times, forgetting tombstones.
#include "flow/mailbox/failure.h"
#include "flow/mailbox/mailboxes.h"

namespace posthorn::mailbox {
namespace {

constexpr std::size_t recoverable_max = 10'000;
constexpr std::size_t undelete_unit_emails = 100;
constexpr std::size_t sweep_unit_emails = 200;
// Tombstones are counted at every so many sweeps.
constexpr std::uint64_t count_tombstones_every = 60;

}  // namespace

Task<std::vector<storage::ExpungedRow>> Mailboxes::recoverable(storage::AccountId account, TimePoint since) {
  auto question = [account, since](storage::Reader& reader) {
    return reader.expunged(account, since, recoverable_max);
  };
  co_return co_await store_.read(std::move(question));
}

Task<bool> Mailboxes::undelete_unit(storage::AccountId account, const FolderList& folders,
                                    std::span<const storage::ExpungedRow> emails) {
  storage::Unit unit;
  for (const storage::ExpungedRow& email : emails) {
    const storage::MailboxRow* to = Folders::find(folders, email.mailbox_name);
    if (to == nullptr) to = Folders::find(folders, "INBOX");
    unit.mutations.emplace_back(storage::UndeleteEmail{account, email.email_id, to->id});
  }
  const auto committed = co_await store_.commit(std::move(unit));
  co_return committed.has_value();
}

Task<Outcome<std::size_t>> Mailboxes::undelete(storage::AccountId account, std::vector<storage::ExpungedRow> emails) {
  const auto folders = co_await folders_.of(account);
  if (!folders)
    co_return fail(failure_of(folders.error(), OperationError::no_such_mailbox, "There is no such account."));
  std::size_t done = 0;
  for (std::size_t from = 0; from < emails.size(); from += undelete_unit_emails) {
    const auto part = std::span(emails).subspan(from, std::min(undelete_unit_emails, emails.size() - from));
    if (co_await undelete_unit(account, **folders, part)) {
      done += part.size();
      continue;
    }
    // One of them is gone for good: the others come back by themselves.
    for (std::size_t i = 0; i < part.size(); ++i)
      if (co_await undelete_unit(account, **folders, part.subspan(i, 1))) ++done;
  }
  co_return done;
}

Task<> Mailboxes::sweep() {
  const TimePoint before = clock_.now() - undelete_time_.load();
  while (true) {
    auto question = [before](storage::Reader& reader) { return reader.has_expunged_before(before); };
    if (!co_await store_.read(std::move(question))) break;
    storage::Unit unit;
    unit.mutations.emplace_back(storage::SweepExpunged{before, sweep_unit_emails});
    const auto committed = co_await store_.commit(std::move(unit));
    if (!committed || committed->swept < sweep_unit_emails) break;
  }
  if (sweeps_++ % count_tombstones_every == 0) co_await forget_tombstones();
}

Task<> Mailboxes::forget_tombstones() {
  // RFC 7162 5: a server may bound what it remembers; it then names all uids that are not there (3.2.5.1).
  auto question = [max = options_.tombstones_max](storage::Reader& reader) {
    std::vector<storage::ForgetTombstones> plans;
    for (const storage::TombstoneCount& list : reader.long_tombstone_lists(max))
      if (const auto bound = reader.tombstone_bound(list.account, list.mailbox, max / 2))
        plans.push_back({list.account, list.mailbox, *bound});
    return plans;
  };
  const std::vector<storage::ForgetTombstones> plans = co_await store_.read(std::move(question));
  for (const storage::ForgetTombstones& plan : plans) {
    storage::Unit unit;
    unit.mutations.emplace_back(plan);
    const auto committed = co_await store_.commit(std::move(unit));
    if (!committed) co_return;
  }
}

}  // namespace posthorn::mailbox
