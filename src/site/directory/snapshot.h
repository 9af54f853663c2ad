// Snapshot: domains, accounts, logins, addresses and groups at one moment, immutable. Sessions take one, ask it, and
// drop it; Directory (directory.h) makes the next one after each commit that changes something.
//
// Thread-safe: immutable. Questions are hash lookups without allocation beyond their answers. Making the next one
// copies only the shards it touches (cow_map.h), so a hundred thousand accounts change one by one in microseconds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/storage/unit.h"
#include "site/directory/cow_map.h"
#include "site/directory/resolution.h"
#include "standards/address/mailbox.h"

namespace posthorn::storage {
class Reader;
}

namespace posthorn::directory {

/// Who may use what over which protocol.
enum class Scope : std::uint8_t { smtp = 1, imap = 2, pop3 = 4 };
[[nodiscard]] std::string_view name(Scope scope);
[[nodiscard]] std::optional<Scope> parse_scope(std::string_view text);

/// A domain with its settings parsed.
struct Domain {
  storage::DomainRow row;
  bool hosted = true;      ///< false: known for its DNS only, its mailboxes are elsewhere
  std::string postmaster;  ///< account that answers postmaster here; empty: the site's

  /// What becomes of mail for its recipients that fails DMARC, or whose origin cannot be checked now: the words of
  /// verification.dmarc and verification.dns_failure; empty: the site's choice.
  std::string inbound_dmarc, inbound_dns_failure;

  [[nodiscard]] bool is_parked() const { return row.state == "parked"; }
};
/// An account with what belongs to it.
struct Account {
  storage::AccountRow row;
  std::vector<std::string> addresses;  ///< further ones, "@domain" among them
  std::vector<std::string> logins;     ///< names
};

class Snapshot {
 public:
  /// Bounds that groups keep to; from limits.group_members and limits.group_depth.
  struct Bounds {
    std::size_t group_members = 1000;
    std::size_t group_depth = 5;
  };

  Snapshot() : Snapshot(Bounds{}) {}
  explicit Snapshot(Bounds bounds) : bounds_(bounds) {}
  [[nodiscard]] static std::shared_ptr<const Snapshot> load(storage::Reader& reader, Bounds bounds);
  /// The next one: this one with the directory mutations of a committed unit. Others are ignored.
  [[nodiscard]] std::shared_ptr<const Snapshot> with(const storage::Unit& unit,
                                                     const storage::Committed& outcome) const;
  /// Whether with() would change anything.
  [[nodiscard]] static bool concerns(const storage::Unit& unit);

  // ---- questions of the road
  [[nodiscard]] Resolution resolve(const address::ForwardPath& path) const;
  [[nodiscard]] Resolution resolve(const address::Mailbox& mailbox) const;
  /// Whether mail for this domain ends here (hosted or parked).
  [[nodiscard]] bool hosts(const address::Domain& domain) const;
  /// Sender authority over MAIL FROM, From and Sender: own address (with any detail), further addresses, addresses
  /// that only the account's catch-all reaches, and groups it is a member of.
  [[nodiscard]] bool may_send_as(storage::AccountId account, const address::Mailbox& sender) const;

  // ---- rows; pointers live as long as the Snapshot
  [[nodiscard]] const Domain* domain(std::string_view a_label) const;
  [[nodiscard]] const Account* account(storage::AccountId id) const;
  /// By its primary address (address_key form).
  [[nodiscard]] const Account* account(std::string_view address_key) const;
  /// By primary or further address.
  [[nodiscard]] const Account* account_of(std::string_view address_key) const;
  [[nodiscard]] const storage::LoginRow* login(std::string_view name) const;
  [[nodiscard]] const storage::LoginRow* login(storage::LoginId id) const;
  [[nodiscard]] const storage::GroupRow* group(std::string_view address_key) const;
  /// The account that answers for postmaster@domain (the site's where domain is empty): the domain's choice, the
  /// site's, else the oldest enabled account; nullptr while there is none.
  [[nodiscard]] const Account* postmaster(std::string_view a_label) const;

  /// Everything, sorted by name; for lists.
  [[nodiscard]] std::vector<const Domain*> domains() const;
  [[nodiscard]] std::vector<const Account*> accounts() const;
  [[nodiscard]] std::vector<const storage::LoginRow*> logins() const;
  [[nodiscard]] std::vector<storage::AddressRow> addresses() const;
  [[nodiscard]] std::vector<const storage::GroupRow*> groups() const;

  [[nodiscard]] const Bounds& bounds() const { return bounds_; }

 private:
  friend class SnapshotBuilder;
  struct Expansion;
  [[nodiscard]] Resolution resolve_key(const address::Mailbox& mailbox, const Domain& domain) const;
  [[nodiscard]] Resolution to_account(const Account& account, std::string address, std::string detail, Via via) const;
  [[nodiscard]] bool expand(const storage::GroupRow& group, Expansion& expansion, std::size_t depth) const;
  [[nodiscard]] bool is_member(const storage::GroupRow& group, const Account& account, std::size_t depth) const;

  Bounds bounds_;
  std::string postmaster_;  // setting "directory/postmaster": an account's address
  CowMap<std::string, Domain> domains_;
  CowMap<std::string, Account> accounts_;  // by primary address
  CowMap<std::int64_t, std::string> account_names_;
  CowMap<std::string, std::int64_t> addresses_;  // further address → account
  CowMap<std::string, storage::LoginRow> logins_;
  CowMap<std::int64_t, std::string> login_names_;
  CowMap<std::string, storage::GroupRow> groups_;
};

}  // namespace posthorn::directory
