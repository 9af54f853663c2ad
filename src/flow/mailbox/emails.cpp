// What changes emails: APPEND, REPLACE, STORE, EXPUNGE, COPY, MOVE. Each plans its unit and says how it ended.
#include <algorithm>

#include "flow/mailbox/append_state.h"
#include "flow/mailbox/failure.h"
#include "flow/mailbox/mailboxes.h"

namespace posthorn::mailbox {
namespace {

// How often COPY and MOVE plan again because an email went between looking and committing.
constexpr int transfer_attempts_max = 5;

Appended appended(const storage::Committed& committed) {
  Appended outcome;
  for (const storage::Placed& placed : committed.placed) {
    outcome.uid_validity = placed.uid_validity;
    outcome.mailbox = placed.mailbox;
    outcome.uids.push_back(placed.uid);
  }
  return outcome;
}

/// Whether the quota was what refused a unit.
bool quota_refused(const storage::CommitFailure& failed, std::size_t quota_index) {
  return failed.error == storage::CommitError::precondition_failed && failed.precondition == quota_index;
}

storage::ChangeFlags::How how_of(FlagsChange change) {
  switch (change) {
    case FlagsChange::replace:
      return storage::ChangeFlags::How::replace;
    case FlagsChange::add:
      return storage::ChangeFlags::How::add;
    case FlagsChange::remove:
      return storage::ChangeFlags::How::remove;
  }
  return storage::ChangeFlags::How::replace;
}

/// Whether adding keywords would take an email over the bound.
bool too_many_keywords(const Version& version, const StoreFlags& change) {
  if (change.how != FlagsChange::add || change.keywords.empty()) return false;
  return std::ranges::any_of(change.uids, [&](Uid uid) {
    const Entry* entry = version.find(uid);
    return entry != nullptr && version.keywords(*entry).size() + change.keywords.size() > keywords_per_email_max;
  });
}

}  // namespace

// ---------------------------------------------------------------- APPEND

Append Mailboxes::begin_append(storage::AccountId account) {
  return {store_, ids_, account, clock_.now()};
}

Task<Outcome<Appended>> Mailboxes::finish_append(Append append, std::string target, storage::Unit with_it) {
  const auto mailbox = co_await mailbox_named(append.state_->account, std::move(target));
  if (!mailbox) co_return fail(mailbox.error());
  storage::Unit unit;
  append.state_->add_to(unit, mailbox->id);
  const std::size_t own = unit.preconditions.size();
  std::ranges::move(with_it.preconditions, std::back_inserter(unit.preconditions));
  const std::size_t all = unit.preconditions.size();
  std::ranges::move(with_it.mutations, std::back_inserter(unit.mutations));
  const auto committed = co_await store_.commit(std::move(unit));
  if (committed) co_return appended(*committed);
  if (quota_refused(committed.error(), 0))
    co_return fail(failure(OperationError::over_quota, "The mailbox is over its quota."));
  const storage::CommitFailure& failed = committed.error();
  if (failed.error == storage::CommitError::precondition_failed && failed.precondition >= own &&
      failed.precondition < all)
    co_return fail(failure(OperationError::not_allowed, "Somebody else has gone on with it."));
  co_return fail(failure_of(committed.error(), OperationError::no_such_mailbox, "The mailbox was deleted."));
}

Task<Outcome<Appended>> Mailboxes::replace(Append append, std::string target, const View& view, Uid uid) {
  const auto mailbox = co_await mailbox_named(append.state_->account, std::move(target));
  if (!mailbox) co_return fail(mailbox.error());
  const auto version = view.current();
  const Entry* replaced = version->find(uid);
  if (replaced == nullptr) co_return fail(failure(OperationError::expunged, "The message is gone."));
  storage::Unit unit;
  append.state_->add_to(unit, mailbox->id);
  // RFC 8508 3.4: what is replaced makes room for what replaces it.
  auto& quota = std::get<storage::QuotaAllows>(unit.preconditions.front());
  quota.octets -= std::min(quota.octets, replaced->size());
  unit.preconditions.emplace_back(storage::EmailExists{view.account(), view.mailbox(), uid});
  unit.mutations.emplace_back(storage::ExpungeEmails{view.account(), view.mailbox(), {uid}, false, keeps_expunged()});
  const auto committed = co_await store_.commit(std::move(unit));
  if (committed) co_return appended(*committed);
  if (quota_refused(committed.error(), 0))
    co_return fail(failure(OperationError::over_quota, "The mailbox is over its quota."));
  const bool gone = committed.error().precondition == 1;
  co_return fail(failure_of(committed.error(), gone ? OperationError::expunged : OperationError::no_such_mailbox,
                            gone ? "The message is gone." : "The mailbox was deleted."));
}

// ---------------------------------------------------------------- STORE

Task<Outcome<StoredFlags>> Mailboxes::store_flags(const View& view, StoreFlags change) {
  auto keywords = checked_keywords(std::move(change.keywords));
  if (!keywords) co_return fail(keywords.error());
  change.keywords = std::move(*keywords);
  const auto version = view.current();
  if (too_many_keywords(*version, change))
    co_return fail(failure(OperationError::limit, "Too many keywords on one message."));
  StoredFlags stored;
  for (std::size_t from = 0; from < change.uids.size(); from += store_part_emails_max) {
    const auto first = change.uids.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(store_part_emails_max, change.uids.size() - from);
    storage::ChangeFlags part{
        view.account(),        view.mailbox(), {first, first + static_cast<std::ptrdiff_t>(count)},
        how_of(change.how),    change.flags,   change.keywords,
        change.unchanged_since};
    storage::Unit unit;
    unit.mutations.emplace_back(std::move(part));
    auto committed = co_await store_.commit(std::move(unit));
    if (!committed)
      co_return fail(failure_of(committed.error(), OperationError::no_such_mailbox, "The mailbox was deleted."));
    std::ranges::move(committed->flags, std::back_inserter(stored.now));
    std::ranges::move(committed->modified, std::back_inserter(stored.modified));
  }
  co_return stored;
}

// ---------------------------------------------------------------- EXPUNGE

Task<Outcome<storage::Committed>> Mailboxes::expunge_unit(const View& view, std::vector<Uid> uids, bool only_deleted) {
  storage::Unit unit;
  unit.mutations.emplace_back(
      storage::ExpungeEmails{view.account(), view.mailbox(), std::move(uids), only_deleted, keeps_expunged()});
  auto committed = co_await store_.commit(std::move(unit));
  if (!committed)
    co_return fail(failure_of(committed.error(), OperationError::no_such_mailbox, "The mailbox was deleted."));
  co_return std::move(*committed);
}

namespace {

std::vector<Uid> uids_gone(const storage::Committed& committed) {
  std::vector<Uid> uids;
  for (const storage::Gone& gone : committed.gone) uids.push_back(gone.uid);
  return uids;
}

}  // namespace

Task<Outcome<std::vector<Uid>>> Mailboxes::expunge(const View& view, std::optional<std::vector<Uid>> uids) {
  const auto version = view.current();
  std::vector<Uid> deleted;
  version->for_each(0, version->totals().deleted == 0 ? 0 : version->size(), [&](std::size_t, const Entry& entry) {
    if (entry.has(Flag::deleted) && (!uids || std::ranges::binary_search(*uids, entry.uid())))
      deleted.push_back(entry.uid());
  });
  if (deleted.empty()) co_return std::vector<Uid>{};
  const auto committed = co_await expunge_unit(view, std::move(deleted), true);
  if (!committed) co_return fail(committed.error());
  co_return uids_gone(*committed);
}

Task<Outcome<std::vector<Uid>>> Mailboxes::remove(const View& view, std::vector<Uid> uids) {
  if (uids.empty()) co_return std::vector<Uid>{};
  std::ranges::sort(uids);
  const auto committed = co_await expunge_unit(view, std::move(uids), false);
  if (!committed) co_return fail(committed.error());
  co_return uids_gone(*committed);
}

// ---------------------------------------------------------------- COPY, MOVE

Task<Outcome<Copied>> Mailboxes::copy(const View& view, std::vector<Uid> uids, std::string target) {
  return transfer(view, std::move(uids), std::move(target), Transfer::copy);
}

Task<Outcome<Copied>> Mailboxes::move(const View& view, std::vector<Uid> uids, std::string target) {
  return transfer(view, std::move(uids), std::move(target), Transfer::move);
}

storage::Unit Mailboxes::plan_transfer(const View& view, const std::vector<Uid>& uids, MailboxId to, Transfer how) {
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::MailboxExists{view.account(), to});
  if (how == Transfer::move) {
    unit.mutations.emplace_back(storage::MoveEmails{view.account(), view.mailbox(), uids, to});
    return unit;
  }
  const auto version = view.current();
  storage::CopyEmails copy{view.account(), view.mailbox(), uids, {}, to};
  std::uint64_t octets = 0;
  for (const Uid uid : uids) {
    const Entry* entry = version->find(uid);
    octets += entry == nullptr ? 0 : entry->size();
    copy.new_ids.push_back(ids_.make<EmailId>());
  }
  unit.preconditions.emplace_back(storage::QuotaAllows{view.account(), octets, uids.size()});
  unit.mutations.emplace_back(std::move(copy));
  return unit;
}

Task<Outcome<Copied>> Mailboxes::transfer(const View& view, std::vector<Uid> uids, std::string target, Transfer how) {
  const auto mailbox = co_await mailbox_named(view.account(), std::move(target));
  if (!mailbox) co_return fail(mailbox.error());
  Copied copied;
  copied.uid_validity = mailbox->uid_validity;
  copied.mailbox = mailbox->id;
  for (int attempt = 1;; ++attempt) {
    const auto version = view.current();
    std::erase_if(uids, [&](Uid uid) { return version->find(uid) == nullptr; });
    // RFC 6851 3.1, RFC 9051 6.4.7: nothing to copy is no failure.
    if (uids.empty()) co_return copied;
    storage::Unit unit = plan_transfer(view, uids, mailbox->id, how);
    const auto committed = co_await store_.commit(std::move(unit));
    if (committed) {
      for (const storage::Placed& placed : committed->placed) {
        copied.from.push_back(placed.from);
        copied.to.push_back(placed.uid);
      }
      co_return copied;
    }
    const std::size_t failed = committed.error().precondition;
    if (how == Transfer::copy && quota_refused(committed.error(), 1))
      co_return fail(failure(OperationError::over_quota, "The mailbox is over its quota."));
    const bool email_gone = committed.error().error == storage::CommitError::precondition_failed && failed > 0;
    if (email_gone && attempt < transfer_attempts_max) continue;
    co_return fail(failure_of(committed.error(),
                              email_gone ? OperationError::expunged : OperationError::no_such_mailbox,
                              email_gone ? "A message went meanwhile." : "The mailbox was deleted."));
  }
}

}  // namespace posthorn::mailbox
