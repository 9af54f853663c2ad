// Plans: units that change the directory, checked against a Snapshot first. A plan that fails says what is wrong and
// what to do; the unit's preconditions catch what somebody else does between the plan and the commit.
// Pure: secrets and the time are arguments or are made by crypto::random_secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "platform/storage/unit.h"
#include "site/directory/snapshot.h"

namespace posthorn::directory {

using Plan = Result<storage::Unit, Problem>;

inline constexpr std::size_t logins_per_account_max = 100;
inline constexpr std::size_t addresses_per_account_max = 1000;
/// Characters of a generated secret: 4 that tell which login it is, 20 of 5 random bits.
inline constexpr std::size_t secret_tag_length = 4;
inline constexpr std::size_t secret_random_length = 20;

/// An address as an administrator types it, in address_key form; a Problem that says what is wrong with it.
[[nodiscard]] Result<std::string, Problem> read_address(std::string_view text);
[[nodiscard]] Result<std::string, Problem> read_domain(std::string_view text);

// ---- domains
struct NewDomain {
  std::string name;
  std::string state = "draft";
  bool hosted = true;
};
[[nodiscard]] Plan add_domain(const Snapshot& directory, const NewDomain& domain, TimePoint now);
/// What a domain chooses for itself; absent: unchanged, empty: the site's choice again.
struct DomainChange {
  std::optional<std::string> inbound_dmarc;        ///< lenient, standard or strict
  std::optional<std::string> inbound_dns_failure;  ///< deliver or defer
};
/// Changes only these keys of the domain's settings; the words are the caller's to check.
[[nodiscard]] Plan set_domain(const Snapshot& directory, std::string_view name, const DomainChange& change);
/// Refused while accounts, addresses or groups stand in it; says which.
[[nodiscard]] Plan remove_domain(const Snapshot& directory, std::string_view name);

// ---- accounts
struct NewAccount {
  std::string address;
  std::string password_hash;  ///< Argon2id; empty: no main password
  std::uint64_t quota_octets = 0;
};
/// The account and its INBOX (the mailbox row needs the account's id: plan_inbox after the commit).
[[nodiscard]] Plan add_account(const Snapshot& directory, const NewAccount& account, TimePoint now);
struct AccountChange {
  std::optional<std::string> password_hash;
  std::optional<bool> enabled;
  std::optional<std::uint64_t> quota_octets;
};
[[nodiscard]] Plan set_account(const Snapshot& directory, std::string_view address, const AccountChange& change);
/// With its mailboxes and mail, logins and addresses; refused while it is a member of a group (says which).
[[nodiscard]] Plan remove_account(const Snapshot& directory, std::string_view address);
/// The site's postmaster (who answers postmaster@ and RFC 2142 roles that nobody has).
[[nodiscard]] Plan set_postmaster(const Snapshot& directory, std::string_view address);

// ---- application logins
struct NewLogin {
  storage::Unit unit;
  std::string name;    ///< "ann+phone@alpha.example"
  std::string secret;  ///< shown once, never stored
};
/// `scope`: "smtp,imap,pop3", any of them.
[[nodiscard]] Result<NewLogin, Problem> add_login(const Snapshot& directory, std::string_view account_address,
                                                  std::string_view label, std::string_view scope, TimePoint now);
[[nodiscard]] Plan revoke_login(const Snapshot& directory, std::string_view name);
/// Whether `secret` can be this login's, by its tag; then the verifier decides.
[[nodiscard]] bool tag_matches(const storage::LoginRow& login, std::string_view secret);

// ---- further addresses
/// "sales@alpha.example", or "@alpha.example" for everything nobody else has; "*@alpha.example", as other programs
/// write it, is the same.
[[nodiscard]] Result<std::string, Problem> read_further_address(std::string_view text);
[[nodiscard]] Plan add_address(const Snapshot& directory, std::string_view address, std::string_view account_address);
[[nodiscard]] Plan remove_address(const Snapshot& directory, std::string_view address);

// ---- groups
/// Members are addresses of accounts or groups here. Remote members are refused: forwarding them would need sender
/// rewriting. Adding to a group that exists adds the members.
[[nodiscard]] Plan add_group(const Snapshot& directory, std::string_view address,
                             const std::vector<std::string>& members);
/// Without members: the group; with members: these only.
[[nodiscard]] Plan remove_group(const Snapshot& directory, std::string_view address,
                                const std::vector<std::string>& members);

}  // namespace posthorn::directory
