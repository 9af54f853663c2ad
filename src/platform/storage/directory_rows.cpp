#include "platform/storage/directory_rows.h"

#include "platform/storage/row_codec.h"

namespace posthorn::storage {

DirectoryRows::DirectoryRows(const Database& database, Counters& counters)
    : ids_(counters),
      put_domain_(database.prepare("INSERT INTO domains (name, state, settings, created) VALUES (?1, ?2, ?3, ?4) ON "
                                   "CONFLICT (name) DO UPDATE SET state = ?2, settings = ?3, created = ?4")),
      remove_domain_(database.prepare("DELETE FROM domains WHERE name = ?")),
      get_domain_(database.prepare("SELECT 1 FROM domains WHERE name = ?")),
      add_account_(database.prepare("INSERT OR IGNORE INTO accounts (address, password_hash, enabled, quota_octets, "
                                    "settings, created, id) VALUES (?, ?, ?, ?, ?, ?, ?)")),
      change_account_(database.prepare("UPDATE OR IGNORE accounts SET address = ?, password_hash = ?, enabled = ?, "
                                       "quota_octets = ?, settings = ?, created = ? WHERE id = ?")),
      remove_account_(database.prepare("DELETE FROM accounts WHERE id = ?")),
      get_account_(database.prepare("SELECT 1 FROM accounts WHERE address = ?")),
      get_account_id_(database.prepare("SELECT 1 FROM accounts WHERE id = ?")),
      add_login_(database.prepare("INSERT OR IGNORE INTO logins (account, name, label, scope, iterations, salt, "
                                  "stored_key, server_key, created, last_used, last_used_from, id) VALUES (?, ?, ?, ?, "
                                  "?, ?, ?, ?, ?, ?, ?, ?)")),
      change_login_(database.prepare("UPDATE OR IGNORE logins SET account = ?, name = ?, label = ?, scope = ?, "
                                     "iterations = ?, salt = ?, stored_key = ?, server_key = ?, created = ?, "
                                     "last_used = ?, last_used_from = ? WHERE id = ?")),
      remove_login_(database.prepare("DELETE FROM logins WHERE id = ?")),
      get_login_(database.prepare("SELECT 1 FROM logins WHERE name = ?")),
      remove_logins_(database.prepare("DELETE FROM logins WHERE account = ?")),
      put_address_(database.prepare("INSERT INTO addresses (address, account) VALUES (?1, ?2) ON CONFLICT (address) DO "
                                    "UPDATE SET account = ?2")),
      remove_address_(database.prepare("DELETE FROM addresses WHERE address = ?")),
      get_address_(database.prepare("SELECT 1 FROM addresses WHERE address = ?")),
      remove_addresses_(database.prepare("DELETE FROM addresses WHERE account = ?")),
      put_group_(database.prepare("INSERT INTO groups (address, members) VALUES (?1, ?2) ON CONFLICT (address) DO "
                                  "UPDATE SET members = ?2")),
      remove_group_(database.prepare("DELETE FROM groups WHERE address = ?")),
      get_group_(database.prepare("SELECT 1 FROM groups WHERE address = ?")),
      put_setting_(database.prepare("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET "
                                    "value = ?2")),
      remove_setting_(database.prepare("DELETE FROM settings WHERE key = ?")),
      has_setting_(database.prepare("SELECT 1 FROM settings WHERE key = ?")),
      setting_is_(database.prepare("SELECT 1 FROM settings WHERE key = ? AND value = ?")),
      domain_is_(database.prepare("SELECT 1 FROM domains WHERE name = ? AND state = ? AND settings = ?")) {}

namespace {

bool any(Statement& statement) {
  const bool found = statement.step();
  statement.reset();
  return found;
}

int run_for(Statement& statement, const AccountRow& row, AccountId id) {
  statement.with(row.address, row.password_hash, row.enabled, row.quota_octets, row.settings, row.created, id);
  return statement.run();
}

int run_for(Statement& statement, const LoginRow& row, AccountId account, LoginId id) {
  statement.with(account, row.name, row.label, row.scope, row.iterations, Blob{row.salt}, Blob{row.stored_key},
                 Blob{row.server_key}, row.created, row.last_used, row.last_used_from, id);
  return statement.run();
}

}  // namespace

bool DirectoryRows::has_account(AccountId id) {
  return any(get_account_id_.with(id));
}

void DirectoryRows::put(const DomainRow& row) {
  put_domain_.with(row.name, row.state, row.settings, row.created).run();
}

bool DirectoryRows::remove(const RemoveDomain& which) {
  return remove_domain_.with(which.name).run() != 0;
}

bool DirectoryRows::put(const AccountRow& row, Committed& outcome) {
  if (row.id.value != 0) return run_for(change_account_, row, row.id) != 0;
  const AccountId id{ids_.next("next_account")};
  if (run_for(add_account_, row, id) == 0) return false;
  outcome.account = id;
  return true;
}

bool DirectoryRows::remove(const RemoveAccount& which) {
  if (remove_account_.with(which.id).run() == 0) return false;
  remove_logins_.with(which.id).run();
  remove_addresses_.with(which.id).run();
  return true;
}

bool DirectoryRows::put(const LoginRow& row, AccountId account, Committed& outcome) {
  if (!has_account(account)) return false;
  if (row.id.value != 0) return run_for(change_login_, row, account, row.id) != 0;
  const LoginId id{ids_.next("next_login")};
  if (run_for(add_login_, row, account, id) == 0) return false;
  outcome.login = id;
  return true;
}

bool DirectoryRows::remove(const RemoveLogin& which) {
  return remove_login_.with(which.id).run() != 0;
}

bool DirectoryRows::put(const AddressRow& row, AccountId account) {
  if (!has_account(account)) return false;
  put_address_.with(row.address, account).run();
  return true;
}

bool DirectoryRows::remove(const RemoveAddress& which) {
  return remove_address_.with(which.address).run() != 0;
}

void DirectoryRows::put(const GroupRow& row) {
  const std::string members = join(row.members, '\n');
  put_group_.with(row.address, members).run();
}

bool DirectoryRows::remove(const RemoveGroup& which) {
  return remove_group_.with(which.address).run() != 0;
}

void DirectoryRows::put(const PutSetting& setting) {
  if (setting.value.empty()) {
    remove_setting_.with(setting.key).run();
  } else {
    put_setting_.with(setting.key, setting.value).run();
  }
}

bool DirectoryRows::is_taken(std::string_view kind, std::string_view name) {
  if (kind == "domain") return any(get_domain_.with(name));
  if (kind == "account") return any(get_account_.with(name));
  if (kind == "login") return any(get_login_.with(name));
  if (kind == "address") return any(get_address_.with(name));
  if (kind == "group") return any(get_group_.with(name));
  return false;
}

bool DirectoryRows::is_setting(std::string_view key, std::string_view value) {
  if (value.empty()) return !any(has_setting_.with(key));
  return any(setting_is_.with(key, value));
}

bool DirectoryRows::is_domain(const DomainIs& domain) {
  return any(domain_is_.with(domain.name, domain.state, domain.settings));
}

}  // namespace posthorn::storage
