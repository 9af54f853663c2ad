#include "site/directory/plan.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "foundation/text/ascii.h"
#include "site/directory/address_key.h"
#include "site/directory/refusal.h"
#include "site/directory/snapshot_builder.h"

namespace posthorn::directory {
namespace {

using namespace std::string_view_literals;

constexpr std::array domain_states{"draft"sv, "testing"sv, "enforcing"sv, "leaving"sv, "migrated"sv, "parked"sv};
/// Names listed in a refusal.
constexpr std::size_t named_max = 3;

/// Who has the address already, and how to get at it. To remove an account takes all its mail, so nobody is told to.
std::optional<Problem> taken(const Snapshot& directory, const std::string& what, std::string_view key) {
  if (directory.account(key) != nullptr) {
    return no(what, "it is an account", fmt::format("change that one: posthorn account set {}", key));
  }
  if (const Account* account = directory.account_of(key)) {
    return no(what, "it is an address of " + account->row.address,
              fmt::format("take it away there first: posthorn address remove {}", key));
  }
  if (directory.group(key) != nullptr) {
    return no(what, "it is a group", fmt::format("remove that first: posthorn group remove {}", key));
  }
  return std::nullopt;
}

std::optional<Problem> not_free(const Snapshot& directory, const std::string& what, std::string_view key) {
  if (auto problem = taken(directory, what, key)) return problem;
  if (const auto* login = directory.login(key)) {
    return no(what, fmt::format("it is the name of the application login '{}'", login->label), "revoke that first");
  }
  const std::string_view domain_name = domain_of(key);
  const Domain* domain = directory.domain(domain_name);
  if (domain == nullptr) {
    return no(what, fmt::format("the domain {} is not here", domain_name),
              fmt::format("add it: posthorn domain add {}", domain_name));
  }
  if (domain->is_parked())
    return no(what, fmt::format("the domain {} is parked", domain_name),
              "a parked domain takes no mail: choose another domain");
  return std::nullopt;
}

/// NameFree for everything an address must not collide with.
void require_free(storage::Unit& unit, const std::string& key) {
  for (const char* const kind : {"account", "address", "group"}) {
    unit.preconditions.emplace_back(storage::NameFree{kind, key});
  }
}

template <class List, class Text>
std::string some_of(const List& list, Text text) {
  std::string out;
  std::size_t n = 0;
  for (const auto& element : list) {
    if (n++ == named_max) return out + " …";
    if (!out.empty()) out += ", ";
    out += text(element);
  }
  return out;
}

Result<const Account*, Problem> existing(const Snapshot& directory, std::string_view address, const std::string& what) {
  auto key = read_address(address);
  if (!key) return fail(std::move(key.error()));
  const Account* account = directory.account(*key);
  if (account != nullptr) return account;
  if (const Account* owner = directory.account_of(*key)) {
    return fail(
        no(what, fmt::format("{} is an address of the account {}", *key, owner->row.address), "name the account"));
  }
  return fail(no(what, fmt::format("there is no account {}", *key), "posthorn account list shows them all"));
}

}  // namespace

Result<std::string, Problem> read_address(std::string_view text) {
  const auto mailbox = address::Mailbox::parse(text);
  const std::string what = fmt::format("'{}'", text::printable(text, 320));
  if (!mailbox) {
    return fail(Problem{ProblemKind::usage, what,
                        fmt::format("this is no address: {}", address::explain(mailbox.error())),
                        "write it like ann@example.org"});
  }
  if (mailbox->domain() == nullptr || mailbox->local_part.value().empty()) {
    return fail(Problem{ProblemKind::usage, what, "an address here needs a name and a domain",
                        "write it like ann@example.org"});
  }
  return address_key(mailbox->local_part, *mailbox->domain());
}

Result<std::string, Problem> read_domain(std::string_view text) {
  const auto domain = address::Domain::parse(text);
  if (domain) return domain->a_label();
  return fail(Problem{ProblemKind::usage, fmt::format("'{}'", text::printable(text, 320)),
                      fmt::format("this is no domain: {}", address::explain(domain.error())),
                      "write it like example.org"});
}

// ---------------------------------------------------------------- domains

namespace {

/// What can be spoken of as a domain and can have no mail of its own.
std::optional<Problem> no_mail_domain(const std::string& what, const std::string& name) {
  const auto refused = [&what](std::string why, std::string remedy) {
    return Problem{ProblemKind::usage, what, std::move(why), std::move(remedy)};
  };
  // RFC 6761 6.3: to everybody it is his own machine. Other single labels are in no zone that mail is led by.
  if (!name.contains('.'))
    return refused("a name of one label is found from here only: nobody could answer its mail",
                   "write the whole name, like example.org");
  // RFC 5890 2.3.2.1: an A-label is what a U-label becomes, and nothing else.
  const auto parsed = address::Domain::parse(name);
  const bool has_a_label = name.starts_with("xn--") || name.contains(".xn--");
  const bool is_unreadable =
      has_a_label && parsed && (parsed->u_label().starts_with("xn--") || parsed->u_label().contains(".xn--"));
  if (is_unreadable)
    return refused("its label that begins with xn-- stands for no name (RFC 5890): nobody can register it",
                   "write the name as people do, like bücher.example");
  return std::nullopt;
}

}  // namespace

Plan add_domain(const Snapshot& directory, const NewDomain& domain, TimePoint now) {
  auto name = read_domain(domain.name);
  if (!name) return fail(std::move(name.error()));
  const std::string what = fmt::format("cannot add the domain {}", *name);
  if (directory.domain(*name) != nullptr)
    return fail(no(what, "it is here already", "change that one: posthorn domain set " + *name));
  if (auto problem = no_mail_domain(what, *name)) return fail(std::move(*problem));
  if (std::ranges::find(domain_states, domain.state) == domain_states.end()) {
    return fail(Problem{ProblemKind::usage, what, fmt::format("'{}' is no state of a domain", domain.state),
                        "write draft, testing, enforcing, leaving, migrated or parked"});
  }
  boost::json::object settings;
  if (!domain.hosted) settings["hosted"] = false;
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameFree{"domain", *name});
  unit.mutations.emplace_back(storage::PutDomain{
      {.name = *name, .state = domain.state, .settings = boost::json::serialize(settings), .created = now}});
  return unit;
}

Plan set_domain(const Snapshot& directory, std::string_view domain_name, const DomainChange& change) {
  auto name = read_domain(domain_name);
  if (!name) return fail(std::move(name.error()));
  const Domain* domain = directory.domain(*name);
  if (domain == nullptr) {
    return fail(
        no(fmt::format("cannot change the domain {}", *name), "it is not here", "posthorn domain list shows them all"));
  }
  storage::DomainRow row = domain->row;
  boost::json::error_code error;
  boost::json::value parsed = boost::json::parse(row.settings, error);
  boost::json::object settings = !error && parsed.is_object() ? std::move(parsed.as_object()) : boost::json::object{};
  const auto put = [&settings](std::string_view key, const std::optional<std::string>& value) {
    if (!value) return;
    if (value->empty()) {
      settings.erase(key);
    } else {
      settings[key] = *value;
    }
  };
  put("inbound_dmarc", change.inbound_dmarc);
  put("inbound_dns_failure", change.inbound_dns_failure);
  row.settings = boost::json::serialize(settings);
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"domain", *name});
  unit.mutations.emplace_back(storage::PutDomain{std::move(row)});
  return unit;
}

Plan remove_domain(const Snapshot& directory, std::string_view domain_name) {
  auto name = read_domain(domain_name);
  if (!name) return fail(std::move(name.error()));
  const std::string what = fmt::format("cannot remove the domain {}", *name);
  if (directory.domain(*name) == nullptr) {
    return fail(no(what, "it is not here", "posthorn domain list shows them all"));
  }
  std::vector<std::string> inside;
  for (const Account* account : directory.accounts()) {
    if (domain_of(account->row.address) == *name) inside.push_back(account->row.address);
  }
  for (const storage::AddressRow& row : directory.addresses()) {
    if (domain_of(row.address) == *name) inside.push_back(row.address);
  }
  for (const storage::GroupRow* group : directory.groups()) {
    if (domain_of(group->address) == *name) inside.push_back(group->address);
  }
  if (!inside.empty()) {
    return fail(no(what, fmt::format("it has addresses: {}", some_of(inside, [](const auto& a) { return a; })),
                   "remove those first"));
  }
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"domain", *name});
  unit.mutations.emplace_back(storage::RemoveDomain{*name});
  return unit;
}

// ---------------------------------------------------------------- accounts

Plan add_account(const Snapshot& directory, const NewAccount& account, TimePoint now) {
  auto key = read_address(account.address);
  if (!key) return fail(std::move(key.error()));
  if (auto problem = not_free(directory, fmt::format("cannot add the account {}", *key), *key)) {
    return fail(std::move(*problem));
  }
  storage::Unit unit;
  require_free(unit, *key);
  unit.preconditions.emplace_back(storage::NameTaken{"domain", std::string(domain_of(*key))});
  unit.mutations.emplace_back(storage::PutAccount{{.id = {},
                                                   .address = *key,
                                                   .password_hash = account.password_hash,
                                                   .enabled = true,
                                                   .quota_octets = account.quota_octets,
                                                   .settings = "{}",
                                                   .created = now}});
  return unit;
}

Plan set_account(const Snapshot& directory, std::string_view address, const AccountChange& change) {
  auto account = existing(directory, address, "cannot change the account");
  if (!account) return fail(std::move(account.error()));
  storage::AccountRow row = (*account)->row;
  if (change.password_hash) row.password_hash = *change.password_hash;
  if (change.enabled) row.enabled = *change.enabled;
  if (change.quota_octets) row.quota_octets = *change.quota_octets;
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"account", row.address});
  unit.mutations.emplace_back(storage::PutAccount{std::move(row)});
  return unit;
}

Plan remove_account(const Snapshot& directory, std::string_view address) {
  const std::string what = "cannot remove the account";
  auto account = existing(directory, address, what);
  if (!account) return fail(std::move(account.error()));
  std::vector<std::string> own = (*account)->addresses;
  own.push_back((*account)->row.address);
  std::vector<std::string> groups;
  for (const storage::GroupRow* group : directory.groups()) {
    if (std::ranges::find_first_of(group->members, own) != group->members.end()) groups.push_back(group->address);
  }
  if (!groups.empty()) {
    return fail(no(what, fmt::format("it is a member of {}", some_of(groups, [](const auto& g) { return g; })),
                   "take it out first: posthorn group remove GROUP --member ADDRESS"));
  }
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"account", (*account)->row.address});
  unit.mutations.emplace_back(storage::RemoveAccount{(*account)->row.id});
  return unit;
}

Plan set_postmaster(const Snapshot& directory, std::string_view address) {
  auto account = existing(directory, address, "cannot make it the postmaster");
  if (!account) return fail(std::move(account.error()));
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"account", (*account)->row.address});
  unit.mutations.emplace_back(storage::PutSetting{std::string(postmaster_setting), (*account)->row.address});
  return unit;
}

// ---------------------------------------------------------------- further addresses

Result<std::string, Problem> read_further_address(std::string_view text) {
  if (text.starts_with("*@")) text.remove_prefix(1);
  if (!text.starts_with('@')) return read_address(text);
  auto domain = read_domain(text.substr(1));
  if (!domain) return domain;
  return "@" + *domain;
}

Plan add_address(const Snapshot& directory, std::string_view address, std::string_view account_address) {
  const auto key = read_further_address(address);
  if (!key) return fail(key.error());
  const std::string what = fmt::format("cannot add the address {}", *key);
  auto account = existing(directory, account_address, what);
  if (!account) return fail(std::move(account.error()));
  if (auto problem = not_free(directory, what, *key)) return fail(std::move(*problem));
  if ((*account)->addresses.size() >= addresses_per_account_max) {
    return fail(no(what, fmt::format("{} has {} addresses already", (*account)->row.address, addresses_per_account_max),
                   "a catch-all (@domain) takes whatever nobody else has"));
  }
  storage::Unit unit;
  require_free(unit, *key);
  unit.preconditions.emplace_back(storage::NameTaken{"account", (*account)->row.address});
  unit.mutations.emplace_back(storage::PutAddress{{*key, (*account)->row.id}});
  return unit;
}

Plan remove_address(const Snapshot& directory, std::string_view address) {
  const auto key = read_further_address(address);
  if (!key) return fail(key.error());
  const std::string what = fmt::format("cannot remove the address {}", *key);
  if (directory.account(*key) != nullptr) {
    return fail(no(what, "it is an account's own", fmt::format("posthorn account remove {}", *key)));
  }
  if (directory.account_of(*key) == nullptr) {
    return fail(no(what, "there is no such address", "posthorn address list shows them all"));
  }
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"address", *key});
  unit.mutations.emplace_back(storage::RemoveAddress{*key});
  return unit;
}

}  // namespace posthorn::directory
