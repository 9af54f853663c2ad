#include "flow/mailbox/folders.h"

#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::mailbox {
namespace {

constexpr std::array<DefaultFolder, 6> kDefaultFolders{{
    {"INBOX", ""},
    {"Drafts", "Drafts"},
    {"Sent", "Sent"},
    {"Archive", "Archive"},
    {"Junk", "Junk"},
    {"Trash", "Trash"},
}};

storage::Unit make_default_folders(storage::AccountId account, const FolderList& present) {
  storage::Unit unit;
  for (const DefaultFolder& folder : kDefaultFolders) {
    if (Folders::find(present, folder.name) != nullptr) continue;
    storage::MailboxRow row;
    row.account = account;
    row.name = folder.name;
    row.special_use = folder.special_use;
    unit.mutations.emplace_back(storage::PutMailbox{std::move(row)});
  }
  return unit;
}

/// The account whose list of mailboxes a mutation changes.
std::optional<storage::AccountId> account_changed(const storage::Mutation& mutation) {
  if (const auto* put = std::get_if<storage::PutMailbox>(&mutation)) return put->row.account;
  if (const auto* gone = std::get_if<storage::DeleteMailbox>(&mutation)) return gone->account;
  if (const auto* gone = std::get_if<storage::RemoveAccount>(&mutation)) return gone->id;
  if (const auto* subscription = std::get_if<storage::PutSubscription>(&mutation)) return subscription->account;
  return std::nullopt;
}

}  // namespace

std::span<const DefaultFolder> default_folders() {
  return kDefaultFolders;
}

bool same_mailbox_name(std::string_view a, std::string_view b) {
  return a == b || (text::iequals(a, "INBOX") && text::iequals(b, "INBOX"));
}

bool stands_below(std::string_view name, std::string_view level) {
  return name.size() > level.size() && name.starts_with(level) && name[level.size()] == '/';
}

Folders::Folders(storage::Store& store) : store_(store) {
  store_.observe([this](std::span<const storage::CommittedUnit> units) { forget_changed(units); });
}

const storage::MailboxRow* Folders::find(const FolderList& list, std::string_view name) {
  for (const storage::MailboxRow& row : list)
    if (same_mailbox_name(row.name, name)) return &row;
  return nullptr;
}

const storage::MailboxRow* Folders::find(const FolderList& list, storage::MailboxId id) {
  const auto found = std::ranges::find(list, id, &storage::MailboxRow::id);
  return found == list.end() ? nullptr : &*found;
}

const storage::MailboxRow* Folders::find_special_use(const FolderList& list, std::string_view use) {
  const auto found = std::ranges::find(list, use, &storage::MailboxRow::special_use);
  return found == list.end() ? nullptr : &*found;
}

Task<Result<std::shared_ptr<const FolderList>, storage::CommitFailure>> Folders::of(storage::AccountId account) {
  if (auto list = remembered(account)) co_return list;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
  }
  FolderList rows = co_await load(account);
  if (find(rows, "INBOX") == nullptr) {
    storage::Unit unit = make_default_folders(account, rows);
    const auto made = co_await store_.commit(std::move(unit));
    // Another session may have made them meanwhile: then the names are taken, and reading again finds them.
    if (!made && made.error().error != storage::CommitError::precondition_failed) co_return fail(made.error());
    rows = co_await load(account);
    if (find(rows, "INBOX") == nullptr)
      co_return fail(storage::CommitFailure{storage::CommitError::precondition_failed});
  }
  auto list = std::make_shared<const FolderList>(std::move(rows));
  remember(account, list, generation);
  co_return list;
}

Task<FolderList> Folders::load(storage::AccountId account) {
  auto question = [account](storage::Reader& reader) { return reader.mailboxes(account); };
  co_return co_await store_.read(std::move(question));
}

std::shared_ptr<const FolderList> Folders::remembered(storage::AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(account.value);
  if (found == entries_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second.used);
  return found->second.list;
}

void Folders::remember(storage::AccountId account, std::shared_ptr<const FolderList> list, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_ || entries_.contains(account.value)) return;
  if (entries_.size() >= accounts_max) {
    entries_.erase(by_use_.back());
    by_use_.pop_back();
  }
  by_use_.push_front(account.value);
  entries_.emplace(account.value, Entry{std::move(list), by_use_.begin()});
}

void Folders::forget_changed(std::span<const storage::CommittedUnit> units) {
  for (const storage::CommittedUnit& committed : units)
    for (const storage::Mutation& mutation : committed.unit->mutations)
      if (const auto account = account_changed(mutation)) forget(*account);
}

void Folders::forget(storage::AccountId account) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  const auto found = entries_.find(account.value);
  if (found == entries_.end()) return;
  by_use_.erase(found->second.used);
  entries_.erase(found);
}

}  // namespace posthorn::mailbox
