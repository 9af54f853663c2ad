// Resolution of recipients and the authority over senders: RFC 5321 3.4, 4.5.1; RFC 2142; RFC 5233.
#include <unordered_set>

#include "site/directory/address_key.h"
#include "site/directory/snapshot.h"

namespace posthorn::directory {
namespace {

/// Local part and domain of an address_key; the local part may hold an "@" when it was quoted.
std::pair<std::string_view, std::string_view> halves(std::string_view key) {
  const auto at = key.rfind('@');
  return {key.substr(0, at), key.substr(at + 1)};
}

}  // namespace

/// What opening a group collects.
struct Snapshot::Expansion {
  std::vector<ToMailbox> members;
  bool is_too_large = false;
  std::unordered_set<std::int64_t> accounts;        // each once
  std::unordered_set<std::string_view> on_the_way;  // groups being opened: a second visit is a circle
};

bool Snapshot::hosts(const address::Domain& domain) const {
  const Domain* ours = domains_.find(domain.a_label());
  return ours != nullptr && (ours->hosted || ours->is_parked());
}

Resolution Snapshot::resolve(const address::ForwardPath& path) const {
  if (const address::Mailbox* mailbox = path.mailbox_or_null()) return resolve(*mailbox);
  // RFC 5321 4.5.1: the bare Postmaster exists on every host.
  const Account* account = postmaster("");
  if (account == nullptr) return UnknownUser{};
  return to_account(*account, account->row.address, "", Via::postmaster);
}

Resolution Snapshot::resolve(const address::Mailbox& mailbox) const {
  const address::Domain* its_domain = mailbox.domain();
  const Domain* ours = its_domain == nullptr ? nullptr : domains_.find(its_domain->a_label());
  if (ours == nullptr) return NotHosted{};
  if (ours->is_parked()) return Parked{};
  if (!ours->hosted) return NotHosted{};
  return resolve_key(mailbox, *ours);
}

Resolution Snapshot::resolve_key(const address::Mailbox& mailbox, const Domain& domain) const {
  const address::Domain& its_domain = *mailbox.domain();
  std::string key = address_key(mailbox.local_part, its_domain);
  const auto exact = [&](const std::string& address, std::string detail) -> std::optional<Resolution> {
    if (const Account* account = accounts_.find(address)) {
      return to_account(*account, address, std::move(detail), Via::primary);
    }
    if (const Account* account = account_of(address))
      return to_account(*account, address, std::move(detail), Via::alias);
    const storage::GroupRow* its_group = groups_.find(address);
    if (its_group == nullptr) return std::nullopt;
    Expansion expansion;
    if (!expand(*its_group, expansion, 1)) return GroupLoop{its_group->address};
    if (expansion.is_too_large) return GroupTooLarge{its_group->address};
    return ToGroup{its_group->address, std::move(expansion.members)};
  };
  if (auto found = exact(key, "")) {
    // RFC 5321 4.5.1: postmaster is answered even where the account of that name is switched off.
    const bool is_off = std::holds_alternative<Disabled>(*found) && is_postmaster(halves(key).first);
    const Account* other = is_off ? postmaster(domain.row.name) : nullptr;
    if (other != nullptr) return to_account(*other, std::move(key), "", Via::postmaster);
    return std::move(*found);
  }

  // RFC 5233: "ann+lists" is ann, unless somebody has the whole. The detail keeps its letters.
  std::string base_key;
  if (const auto split = split_detail(mailbox.local_part.value())) {
    base_key = local_part_key(split->base) + "@" + its_domain.a_label();
    if (auto found = exact(base_key, split->detail)) return std::move(*found);
  }
  // RFC 5321 4.5.1 and RFC 2142: these are answered though nobody has them, before the catch-all.
  const std::string_view local = halves(key).first;
  if (is_role(local) || (!base_key.empty() && is_postmaster(halves(base_key).first))) {
    if (const Account* account = postmaster(domain.row.name)) {
      return to_account(*account, std::move(key), "", Via::postmaster);
    }
  }
  if (const Account* account = account_of("@" + its_domain.a_label())) {
    return to_account(*account, std::move(key), "", Via::catch_all);
  }
  return UnknownUser{};
}

Resolution Snapshot::to_account(const Account& account, std::string address, std::string detail, Via via) const {
  if (!account.row.enabled) return Disabled{account.row.address};
  return ToMailbox{account.row.id, account.row.address, std::move(address), std::move(detail), via};
}

bool Snapshot::expand(const storage::GroupRow& group, Expansion& expansion, std::size_t depth) const {
  if (depth > bounds_.group_depth || !expansion.on_the_way.insert(group.address).second) return false;
  for (const std::string& member : group.members) {
    if (const storage::GroupRow* inner = groups_.find(member)) {
      if (!expand(*inner, expansion, depth + 1)) return false;
    } else if (const Account* account = account_of(member)) {
      if (!account->row.enabled || !expansion.accounts.insert(account->row.id.value).second) continue;
      if (expansion.members.size() >= bounds_.group_members) {
        expansion.is_too_large = true;
        return true;
      }
      const Via via = account->row.address == member ? Via::primary : Via::alias;
      expansion.members.push_back({account->row.id, account->row.address, member, "", via});
    }
  }
  expansion.on_the_way.erase(group.address);
  return true;
}

bool Snapshot::is_member(const storage::GroupRow& group, const Account& account, std::size_t depth) const {
  if (depth > bounds_.group_depth) return false;
  for (const std::string& member : group.members) {
    const Account* its_account = account_of(member);
    if (its_account != nullptr && its_account->row.id == account.row.id) return true;
    const storage::GroupRow* inner = groups_.find(member);
    if (inner != nullptr && is_member(*inner, account, depth + 1)) return true;
  }
  return false;
}

bool Snapshot::may_send_as(storage::AccountId id, const address::Mailbox& sender) const {
  const Account* own = account(id);
  const address::Domain* its_domain = sender.domain();
  if (own == nullptr || !own->row.enabled || its_domain == nullptr) return false;
  const Domain* ours = domains_.find(its_domain->a_label());
  // A parked domain sends nothing; one whose mail is elsewhere may still be sent from by an account that has an
  // address in it.
  if (ours == nullptr || ours->is_parked()) return false;

  const auto owner_of = [&](const std::string& key) -> std::optional<bool> {
    if (const Account* owner = account_of(key)) return owner->row.id == id;
    if (const storage::GroupRow* its_group = group(key)) return is_member(*its_group, *own, 1);
    return std::nullopt;
  };
  if (const auto mine = owner_of(address_key(sender.local_part, *its_domain))) return *mine;
  if (const auto split = split_detail(sender.local_part.value())) {
    if (const auto mine = owner_of(local_part_key(split->base) + "@" + its_domain->a_label())) return *mine;
  }
  const std::string key = address_key(sender.local_part, *its_domain);
  if (is_role(halves(key).first)) {
    const Account* who = postmaster(its_domain->a_label());
    if (who != nullptr && who->row.id == id) return true;
  }
  return owner_of("@" + its_domain->a_label()).value_or(false);
}

}  // namespace posthorn::directory
