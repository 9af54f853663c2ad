#include "site/directory/snapshot_builder.h"

#include <type_traits>

#include <boost/json.hpp>

namespace posthorn::directory {
namespace {

/// The keys of a domain's settings that are ours; the rest belongs to other rooms.
Domain with_settings(storage::DomainRow row) {
  Domain domain{.row = std::move(row)};
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(domain.row.settings, error);
  const auto* const settings = error ? nullptr : parsed.if_object();
  if (settings == nullptr) return domain;
  if (const auto* hosted = settings->if_contains("hosted"); hosted != nullptr && hosted->is_bool()) {
    domain.hosted = hosted->as_bool();
  }
  const auto read_text = [settings](std::string_view key, std::string& to) {
    if (const auto* text = settings->if_contains(key); text != nullptr && text->is_string()) to = text->as_string();
  };
  read_text("postmaster", domain.postmaster);
  read_text("inbound_dmarc", domain.inbound_dmarc);
  read_text("inbound_dns_failure", domain.inbound_dns_failure);
  return domain;
}

template <class T, class... Kinds>
constexpr bool is_one_of = (std::is_same_v<T, Kinds> || ...);

}  // namespace

void SnapshotBuilder::put(storage::DomainRow row) {
  std::string name = row.name;
  snapshot_->domains_.put(std::move(name), with_settings(std::move(row)));
}

void SnapshotBuilder::put(storage::AccountRow row) {
  Account account;
  if (const Account* present = snapshot_->account(row.id)) {
    account = *present;
    if (present->row.address != row.address) snapshot_->accounts_.erase(present->row.address);
  }
  account.row = std::move(row);
  snapshot_->account_names_.put(account.row.id.value, account.row.address);
  std::string address = account.row.address;
  snapshot_->accounts_.put(std::move(address), std::move(account));
}

void SnapshotBuilder::put(storage::LoginRow row) {
  if (snapshot_->login(row.id) == nullptr) {
    if (const Account* owner = snapshot_->account(row.account)) {
      Account changed = *owner;
      changed.logins.push_back(row.name);
      std::string address = changed.row.address;
      snapshot_->accounts_.put(std::move(address), std::move(changed));
    }
  }
  snapshot_->login_names_.put(row.id.value, row.name);
  std::string name = row.name;
  snapshot_->logins_.put(std::move(name), std::move(row));
}

void SnapshotBuilder::put(storage::AddressRow row) {
  remove_address(row.address);
  if (const Account* owner = snapshot_->account(row.account)) {
    Account changed = *owner;
    changed.addresses.push_back(row.address);
    std::string address = changed.row.address;
    snapshot_->accounts_.put(std::move(address), std::move(changed));
  }
  snapshot_->addresses_.put(std::move(row.address), row.account.value);
}

void SnapshotBuilder::put(storage::GroupRow row) {
  std::string address = row.address;
  snapshot_->groups_.put(std::move(address), std::move(row));
}

void SnapshotBuilder::remove_account(storage::AccountId id) {
  const Account* account = snapshot_->account(id);
  if (account == nullptr) return;
  const Account gone = *account;
  for (const std::string& address : gone.addresses) snapshot_->addresses_.erase(address);
  for (const std::string& name : gone.logins) {
    if (const auto* login = snapshot_->login(name)) snapshot_->login_names_.erase(login->id.value);
    snapshot_->logins_.erase(name);
  }
  snapshot_->account_names_.erase(id.value);
  snapshot_->accounts_.erase(gone.row.address);
}

void SnapshotBuilder::remove_login(storage::LoginId id) {
  const storage::LoginRow* login = snapshot_->login(id);
  if (login == nullptr) return;
  const storage::LoginRow gone = *login;
  if (const Account* owner = snapshot_->account(gone.account)) {
    Account changed = *owner;
    std::erase(changed.logins, gone.name);
    std::string address = changed.row.address;
    snapshot_->accounts_.put(std::move(address), std::move(changed));
  }
  snapshot_->login_names_.erase(id.value);
  snapshot_->logins_.erase(gone.name);
}

void SnapshotBuilder::remove_address(const std::string& address) {
  const std::int64_t* id = snapshot_->addresses_.find(address);
  if (id == nullptr) return;
  if (const Account* owner = snapshot_->account(storage::AccountId{*id})) {
    Account changed = *owner;
    std::erase(changed.addresses, address);
    std::string name = changed.row.address;
    snapshot_->accounts_.put(std::move(name), std::move(changed));
  }
  snapshot_->addresses_.erase(address);
}

/// One operator a kind of mutation that concerns the directory; everything else is none of ours.
struct SnapshotBuilder::Apply {
  SnapshotBuilder& builder;
  const storage::Committed& outcome;

  void operator()(const storage::PutDomain& m) const { builder.put(m.row); }
  void operator()(const storage::RemoveDomain& m) const { builder.snapshot_->domains_.erase(m.name); }
  void operator()(const storage::PutAccount& m) const {
    storage::AccountRow row = m.row;
    if (row.id.value == 0) row.id = outcome.account;
    builder.put(std::move(row));
  }
  void operator()(const storage::RemoveAccount& m) const { builder.remove_account(m.id); }
  void operator()(const storage::PutLogin& m) const {
    storage::LoginRow row = m.row;
    if (row.id.value == 0) row.id = outcome.login;
    builder.put(std::move(row));
  }
  void operator()(const storage::RemoveLogin& m) const { builder.remove_login(m.id); }
  void operator()(const storage::PutAddress& m) const { builder.put(m.row); }
  void operator()(const storage::RemoveAddress& m) const { builder.remove_address(m.address); }
  void operator()(const storage::PutGroup& m) const { builder.put(m.row); }
  void operator()(const storage::RemoveGroup& m) const { builder.snapshot_->groups_.erase(m.address); }
  void operator()(const storage::PutSetting& m) const {
    if (m.key == postmaster_setting) builder.set_postmaster(m.value);
  }
  template <class Other>
  void operator()(const Other&) const {}
};

void SnapshotBuilder::apply(const storage::Mutation& mutation, const storage::Committed& outcome) {
  std::visit(Apply{*this, outcome}, mutation);
}

bool SnapshotBuilder::concerns(const storage::Mutation& mutation) {
  return std::visit(
      []<class M>(const M& m) {
        if constexpr (std::is_same_v<M, storage::PutSetting>) return m.key == postmaster_setting;
        return is_one_of<M, storage::PutDomain, storage::RemoveDomain, storage::PutAccount, storage::RemoveAccount,
                         storage::PutLogin, storage::RemoveLogin, storage::PutAddress, storage::RemoveAddress,
                         storage::PutGroup, storage::RemoveGroup>;
      },
      mutation);
}

}  // namespace posthorn::directory
