// What changes mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE.
#include <algorithm>

#include "flow/mailbox/failure.h"
#include "flow/mailbox/mailboxes.h"
#include "flow/mailbox/taken.h"
#include "foundation/text/ascii.h"

namespace posthorn::mailbox {
namespace {

// How often a rename of INBOX plans again because an email went meanwhile.
constexpr int rename_attempts_max = 5;

/// The levels above a name that are not there yet (RFC 9051 6.3.4), then the name itself as the last new mailbox.
void add_mailbox_with_levels(storage::Unit& unit, const FolderList& folders, storage::AccountId account,
                             std::string_view name, std::string special_use) {
  const auto put = [&](std::string_view level, std::string use) {
    storage::MailboxRow row;
    row.account = account;
    row.name = level;
    row.special_use = std::move(use);
    row.subscribed = false;
    unit.mutations.emplace_back(storage::PutMailbox{std::move(row)});
  };
  for (std::size_t at = name.find('/'); at != std::string_view::npos; at = name.find('/', at + 1))
    if (Folders::find(folders, name.substr(0, at)) == nullptr) put(name.substr(0, at), "");
  put(name, std::move(special_use));
}

/// The missing levels above a name that an existing mailbox is about to get.
void add_levels(storage::Unit& unit, const FolderList& folders, storage::AccountId account, std::string_view name) {
  const std::size_t last = name.rfind('/');
  if (last == std::string_view::npos) return;
  if (Folders::find(folders, name.substr(0, last)) == nullptr)
    add_mailbox_with_levels(unit, folders, account, name.substr(0, last), "");
}

OperationFailure taken() {
  return failure(OperationError::already_exists, "There is a mailbox of that name.");
}

OperationFailure bad_name() {
  return failure(OperationError::bad_name, "A mailbox cannot have that name.");
}

/// nullopt: a new name is taken already.
std::optional<storage::Unit> plan_rename(const FolderList& folders, const storage::MailboxRow& from,
                                         const std::string& to) {
  storage::Unit unit;
  add_levels(unit, folders, from.account, to);
  for (const storage::MailboxRow& row : folders) {
    if (row.id != from.id && !stands_below(row.name, from.name)) continue;
    storage::MailboxRow renamed = row;
    renamed.name = to + row.name.substr(from.name.size());
    if (Folders::find(folders, renamed.name) != nullptr) return std::nullopt;
    unit.mutations.emplace_back(storage::PutMailbox{std::move(renamed)});
  }
  return unit;
}

}  // namespace

Task<Outcome<MailboxId>> Mailboxes::create(storage::AccountId account, std::string name, std::string special_use) {
  const auto wanted = mailbox_name(name);
  if (!wanted) co_return fail(bad_name());
  const auto folders = co_await folders_.of(account);
  if (!folders) co_return fail(failure_of(folders.error(), OperationError::not_allowed, "There is no such account."));
  if (Folders::find(**folders, *wanted) != nullptr) co_return fail(taken());
  if ((*folders)->size() + mailbox_depth_max > mailboxes_per_account_max)
    co_return fail(failure(OperationError::limit, "There are too many mailboxes."));
  storage::Unit unit;
  add_mailbox_with_levels(unit, **folders, account, *wanted, std::move(special_use));
  const auto committed = co_await store_.commit(std::move(unit));
  if (!committed)
    co_return fail(failure_of(committed.error(), OperationError::already_exists, "There is a mailbox of that name."));
  co_return committed->mailbox;
}

Task<Outcome<void>> Mailboxes::remove_mailbox(storage::AccountId account, std::string name) {
  // RFC 9051 6.3.5: INBOX cannot be deleted.
  if (text::iequals(name, "INBOX")) co_return fail(failure(OperationError::not_allowed, "INBOX cannot be deleted."));
  const auto row = co_await mailbox_named(account, std::move(name));
  if (!row) co_return fail(row.error());
  storage::Unit unit;
  unit.mutations.emplace_back(storage::DeleteMailbox{account, row->id, keeps_expunged()});
  const auto committed = co_await store_.commit(std::move(unit));
  if (!committed)
    co_return fail(failure_of(committed.error(), OperationError::no_such_mailbox, "There is no such mailbox."));
  // What imports know of it is of no use any more; the mailbox is gone, whatever becomes of this.
  (void)co_await forget_taken(store_, taken_prefix(account, row->id));
  co_return Outcome<void>{};
}

Task<Outcome<void>> Mailboxes::rename(storage::AccountId account, std::string from, std::string to) {
  const auto wanted = mailbox_name(to);
  if (!wanted) co_return fail(bad_name());
  const auto row = co_await mailbox_named(account, std::move(from));
  if (!row) co_return fail(row.error());
  if (row->name == "INBOX") co_return co_await rename_inbox(account, *wanted);
  if (*wanted == row->name || stands_below(*wanted, row->name))
    co_return fail(failure(*wanted == row->name ? OperationError::already_exists : OperationError::not_allowed,
                           "A mailbox cannot stand below itself."));
  const auto folders = co_await folders_.of(account);
  if (!folders)
    co_return fail(failure_of(folders.error(), OperationError::no_such_mailbox, "There is no such account."));
  auto unit = plan_rename(**folders, *row, *wanted);
  if (!unit) co_return fail(taken());
  const auto committed = co_await store_.commit(std::move(*unit));
  if (!committed)
    co_return fail(failure_of(committed.error(), OperationError::already_exists, "There is a mailbox of that name."));
  co_return Outcome<void>{};
}

Task<Outcome<void>> Mailboxes::rename_inbox(storage::AccountId account, std::string to) {
  const auto inbox = co_await open(account, std::string("INBOX"));
  if (!inbox) co_return fail(inbox.error());
  for (int attempt = 1;; ++attempt) {
    const auto folders = co_await folders_.of(account);
    if (!folders)
      co_return fail(failure_of(folders.error(), OperationError::no_such_mailbox, "There is no such account."));
    if (Folders::find(**folders, to) != nullptr) co_return fail(taken());
    storage::Unit unit;
    add_mailbox_with_levels(unit, **folders, account, to, "");
    // RFC 9051 6.3.6: its messages move to the new mailbox, INBOX is left empty.
    storage::MoveEmails move{account, (*inbox)->mailbox(), {}, MailboxId{}};
    const auto version = (*inbox)->current();
    version->for_each(0, version->size(), [&](std::size_t, const Entry& entry) { move.uids.push_back(entry.uid()); });
    if (!move.uids.empty()) unit.mutations.emplace_back(std::move(move));
    const auto committed = co_await store_.commit(std::move(unit));
    if (committed) co_return Outcome<void>{};
    const bool again = committed.error().error == storage::CommitError::precondition_failed;
    if (again && attempt < rename_attempts_max) continue;
    co_return fail(failure_of(committed.error(), OperationError::expunged, "A message went meanwhile."));
  }
}

Task<Outcome<void>> Mailboxes::subscribe(storage::AccountId account, std::string name, bool subscribed) {
  const auto wanted = mailbox_name(name);
  // RFC 9051 6.3.8: what is not subscribed to need not be unsubscribed from.
  if (!wanted && !subscribed) co_return Outcome<void>{};
  if (!wanted) co_return fail(bad_name());
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutSubscription{account, *wanted, subscribed});
  if (subscribed && (co_await lost_subscriptions(account)).size() >= mailboxes_per_account_max)
    co_return fail(failure(OperationError::limit, "There are too many subscriptions."));
  const auto committed = co_await store_.commit(std::move(unit));
  if (!committed)
    co_return fail(failure_of(committed.error(), OperationError::no_such_mailbox, "There is no such mailbox."));
  co_return Outcome<void>{};
}

Task<std::vector<std::string>> Mailboxes::lost_subscriptions(storage::AccountId account) {
  auto question = [account](storage::Reader& reader) { return reader.subscriptions(account); };
  co_return co_await store_.read(std::move(question));
}

}  // namespace posthorn::mailbox
