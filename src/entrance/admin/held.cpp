#include "entrance/admin/held.h"

#include <algorithm>

#include "entrance/admin/surroundings.h"
#include "operations/transition/hold.h"

namespace posthorn::admin {
namespace {

struct Remembered {
  std::string policies, ledger;
};

Task<Remembered> remembered(Site& site, std::string domain) {
  auto question = [domain = std::move(domain)](storage::Reader& reader) {
    return Remembered{reader.setting(domains::policy_log_key(domain)), reader.setting(domains::ledger_key(domain))};
  };
  co_return co_await site.store->read(std::move(question));
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
  const domains::Model model = domains::read_model(known->row);
  const Remembered kept = co_await remembered(site, domain);
  const auto hold =
      transition::removal_hold(model, surroundings_of(site.config), domains::parse_policy_log(kept.policies),
                               domains::parse_ledger(kept.ledger), site.clock->now());
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
  const domains::Model model = domains::read_model(known->row);
  const Remembered kept = co_await remembered(site, domain);
  const auto hold = transition::last_account_hold(model, surroundings_of(site.config),
                                                  domains::parse_ledger(kept.ledger), site.clock->now());
  if (hold) co_return fail(not_yet("cannot remove the last account of " + domain + " yet", domain, *hold));
  co_return Done{};
}

}  // namespace posthorn::admin
