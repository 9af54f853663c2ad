#include "entrance/admin/held.h"

#include <algorithm>

#include "entrance/admin/surroundings.h"
#include "operations/transition/hold.h"

namespace posthorn::admin {
namespace {

/// What the world may still do with a domain hangs on this.
struct Remembered {
  domains::Model model;
  domains::Surroundings around;
  domains::PolicyLog policies;
  domains::Ledger ledger;
  TimePoint now;
};

Task<Remembered> remember(Site& site, storage::DomainRow row) {
  struct Kept {
    std::string policies, ledger;
  };
  auto question = [domain = row.name](storage::Reader& reader) {
    return Kept{reader.setting(domains::policy_log_key(domain)), reader.setting(domains::ledger_key(domain))};
  };
  const Kept kept = co_await site.store->read(std::move(question));
  co_return Remembered{domains::read_model(row), surroundings_of(site.config), domains::parse_policy_log(kept.policies),
                       domains::parse_ledger(kept.ledger), site.clock->now()};
}

Problem not_yet(const std::string& what, const std::string& domain, const transition::Hold& hold) {
  const std::string wait = hold.until ? fmt::format("wait until {}", rfc3339(*hold.until))
                                      : fmt::format("see posthorn domain leave {}", domain);
  return {ProblemKind::no, what, hold.why, fmt::format("{}; to do it all the same: --override {}", wait, domain)};
}

}  // namespace

Task<Done> may_forget_domain(Site& site, std::string domain, std::string override_name) {
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* const known = snapshot->domain(domain);
  if (known == nullptr || override_name == domain) co_return Done{};
  const Remembered of = co_await remember(site, known->row);
  const auto hold = transition::removal_hold(of.model, of.around, of.policies, of.ledger, of.now);
  if (hold) co_return fail(not_yet("cannot remove " + domain + " yet", domain, *hold));
  co_return Done{};
}

Task<Done> may_remove_account(Site& site, std::string address, std::string override_name) {
  const std::string domain = address.substr(address.rfind('@') + 1);
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* const known = snapshot->domain(domain);
  if (known == nullptr || override_name == domain) co_return Done{};
  const auto accounts = snapshot->accounts();
  const auto in_domain = [&](const directory::Account* one) { return one->row.address.ends_with("@" + domain); };
  if (std::ranges::count_if(accounts, in_domain) > 1) co_return Done{};
  const Remembered of = co_await remember(site, known->row);
  const auto hold = transition::last_account_hold(of.model, of.around, of.ledger, of.now);
  if (hold) co_return fail(not_yet("cannot remove the last account of " + domain + " yet", domain, *hold));
  co_return Done{};
}

}  // namespace posthorn::admin
