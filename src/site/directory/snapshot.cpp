#include "site/directory/snapshot.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <boost/json.hpp>

#include "platform/storage/reader.h"
#include "site/directory/address_key.h"
#include "site/directory/snapshot_builder.h"

namespace posthorn::directory {
namespace {

constexpr std::array scope_names{std::pair{Scope::smtp, std::string_view("smtp")},
                                 std::pair{Scope::imap, std::string_view("imap")},
                                 std::pair{Scope::pop3, std::string_view("pop3")}};

template <class Row, class Key>
void sort_by(std::vector<const Row*>& rows, Key key) {
  std::ranges::sort(rows, {}, [&](const Row* row) { return key(*row); });
}

}  // namespace

std::string_view name(Scope scope) {
  return std::ranges::find(scope_names, scope, &std::pair<Scope, std::string_view>::first)->second;
}

std::optional<Scope> parse_scope(std::string_view text) {
  const auto* const at = std::ranges::find(scope_names, text, &std::pair<Scope, std::string_view>::second);
  if (at == scope_names.end()) return std::nullopt;
  return at->first;
}

std::shared_ptr<const Snapshot> Snapshot::load(storage::Reader& reader, Bounds bounds) {
  SnapshotBuilder builder{Snapshot(bounds)};
  builder.set_postmaster(reader.setting(postmaster_setting));
  for (auto& row : reader.domains()) builder.put(std::move(row));
  for (auto& row : reader.accounts()) builder.put(std::move(row));
  for (auto& row : reader.logins()) builder.put(std::move(row));
  for (auto& row : reader.addresses()) builder.put(std::move(row));
  for (auto& row : reader.groups()) builder.put(std::move(row));
  return builder.take();
}

std::shared_ptr<const Snapshot> Snapshot::with(const storage::Unit& unit, const storage::Committed& outcome) const {
  SnapshotBuilder builder{*this};
  for (const storage::Mutation& mutation : unit.mutations) builder.apply(mutation, outcome);
  return builder.take();
}

bool Snapshot::concerns(const storage::Unit& unit) {
  return std::ranges::any_of(unit.mutations, SnapshotBuilder::concerns);
}

// ---------------------------------------------------------------- rows

const Domain* Snapshot::domain(std::string_view a_label) const {
  return domains_.find(a_label);
}

const Account* Snapshot::account(storage::AccountId id) const {
  const std::string* address = account_names_.find(id.value);
  return address == nullptr ? nullptr : accounts_.find(*address);
}

const Account* Snapshot::account(std::string_view address_key) const {
  return accounts_.find(address_key);
}

const Account* Snapshot::account_of(std::string_view address_key) const {
  if (const Account* account = accounts_.find(address_key)) return account;
  const std::int64_t* id = addresses_.find(address_key);
  return id == nullptr ? nullptr : account(storage::AccountId{*id});
}

const storage::LoginRow* Snapshot::login(std::string_view name) const {
  return logins_.find(name);
}

const storage::LoginRow* Snapshot::login(storage::LoginId id) const {
  const std::string* name = login_names_.find(id.value);
  return name == nullptr ? nullptr : logins_.find(*name);
}

const storage::GroupRow* Snapshot::group(std::string_view address_key) const {
  return groups_.find(address_key);
}

const Account* Snapshot::postmaster(std::string_view a_label) const {
  const auto usable = [&](std::string_view address) -> const Account* {
    const Account* account = address.empty() ? nullptr : accounts_.find(address);
    return account != nullptr && account->row.enabled ? account : nullptr;
  };
  const Domain* its_domain = domain(a_label);
  if (its_domain != nullptr) {
    if (const Account* chosen = usable(its_domain->postmaster)) return chosen;
  }
  if (const Account* chosen = usable(postmaster_)) return chosen;
  // Nobody was chosen: the oldest account that works. A site with one account has a postmaster from the start.
  const Account* oldest = nullptr;
  accounts_.each([&](const std::string&, const Account& account) {
    if (account.row.enabled && (oldest == nullptr || account.row.id < oldest->row.id)) oldest = &account;
  });
  return oldest;
}

std::vector<const Domain*> Snapshot::domains() const {
  std::vector<const Domain*> rows;
  domains_.each([&](const std::string&, const Domain& domain) { rows.push_back(&domain); });
  sort_by(rows, [](const Domain& d) { return std::string_view(d.row.name); });
  return rows;
}

std::vector<const Account*> Snapshot::accounts() const {
  std::vector<const Account*> rows;
  accounts_.each([&](const std::string&, const Account& account) { rows.push_back(&account); });
  sort_by(rows, [](const Account& a) { return std::string_view(a.row.address); });
  return rows;
}

std::vector<const storage::LoginRow*> Snapshot::logins() const {
  std::vector<const storage::LoginRow*> rows;
  logins_.each([&](const std::string&, const storage::LoginRow& login) { rows.push_back(&login); });
  sort_by(rows, [](const storage::LoginRow& l) { return std::string_view(l.name); });
  return rows;
}

std::vector<storage::AddressRow> Snapshot::addresses() const {
  std::vector<storage::AddressRow> rows;
  addresses_.each([&](const std::string& address, std::int64_t account) {
    rows.push_back({address, storage::AccountId{account}});
  });
  std::ranges::sort(rows, {}, &storage::AddressRow::address);
  return rows;
}

std::vector<const storage::GroupRow*> Snapshot::groups() const {
  std::vector<const storage::GroupRow*> rows;
  groups_.each([&](const std::string&, const storage::GroupRow& group) { rows.push_back(&group); });
  sort_by(rows, [](const storage::GroupRow& g) { return std::string_view(g.address); });
  return rows;
}

}  // namespace posthorn::directory
