// DirectoryRows: domains, accounts, logins, addresses, groups, settings. Committer only.
#pragma once

#include "platform/storage/counters.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

class DirectoryRows {
 public:
  DirectoryRows(const Database& database, Counters& counters);

  // Mutations: false when the row they need is not there, or the name is taken by another row.
  void put(const DomainRow& row);
  [[nodiscard]] bool remove(const RemoveDomain& which);
  [[nodiscard]] bool put(const AccountRow& row, Committed& outcome);
  /// With its logins and addresses; its mailboxes are MailboxRows' to delete.
  [[nodiscard]] bool remove(const RemoveAccount& which);
  [[nodiscard]] bool put(const LoginRow& row, AccountId account, Committed& outcome);
  [[nodiscard]] bool remove(const RemoveLogin& which);
  [[nodiscard]] bool put(const AddressRow& row, AccountId account);
  [[nodiscard]] bool remove(const RemoveAddress& which);
  void put(const GroupRow& row);
  [[nodiscard]] bool remove(const RemoveGroup& which);
  void put(const PutSetting& setting);

  /// Kinds as NameFree has them; an unknown kind has no names.
  [[nodiscard]] bool is_taken(std::string_view kind, std::string_view name);
  [[nodiscard]] bool is_setting(std::string_view key, std::string_view value);
  [[nodiscard]] bool is_domain(const DomainIs& domain);

 private:
  [[nodiscard]] bool has_account(AccountId id);

  Counters& ids_;
  Statement put_domain_, remove_domain_, get_domain_;
  Statement add_account_, change_account_, remove_account_, get_account_, get_account_id_;
  Statement add_login_, change_login_, remove_login_, get_login_, remove_logins_;
  Statement put_address_, remove_address_, get_address_, remove_addresses_;
  Statement put_group_, remove_group_, get_group_, put_setting_, remove_setting_, has_setting_, setting_is_, domain_is_;
};

}  // namespace posthorn::storage
