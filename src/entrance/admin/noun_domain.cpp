// domain add|list|show|remove: the rows only; what DNS should say is operations/domains.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace {

namespace json = boost::json;

json::object domain_json(const directory::Domain& domain) {
  return {{"domain", domain.row.name},
          {"state", domain.row.state},
          {"hosted", domain.hosted},
          {"created", time_value(domain.row.created)}};
}

Task<Done> add(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  directory::NewDomain domain{.name = text_argument(request, "domain")};
  if (const std::string state = text_argument(request, "state"); !state.empty()) domain.state = state;
  domain.hosted = text_argument(request, "elsewhere").empty();
  auto plan = directory::add_domain(*snapshot, domain, site.clock->now());
  if (auto done = co_await commit_plan(site, std::move(plan), "cannot add the domain"); !done) co_return done;
  const auto name = directory::read_domain(domain.name);
  const auto after = site.directory->snapshot();
  const directory::Domain* added = after->domain(*name);
  co_return co_await answer.value(json::serialize(added != nullptr ? domain_json(*added) : json::object{}));
}

Task<Done> list(Site& site, const Request&, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  for (const directory::Domain* domain : snapshot->domains()) {
    if (auto done = co_await answer.item(json::serialize(domain_json(*domain))); !done) co_return done;
  }
  co_return Done{};
}

/// What stands in a domain, by kind.
json::object contents(const directory::Snapshot& snapshot, const std::string& name) {
  const std::string ending = "@" + name;
  json::array accounts, addresses, groups;
  for (const directory::Account* account : snapshot.accounts()) {
    if (account->row.address.ends_with(ending)) accounts.emplace_back(account->row.address);
  }
  for (const storage::AddressRow& row : snapshot.addresses()) {
    if (row.address.ends_with(ending)) addresses.emplace_back(row.address);
  }
  for (const storage::GroupRow* group : snapshot.groups()) {
    if (group->address.ends_with(ending)) groups.emplace_back(group->address);
  }
  return {{"accounts", std::move(accounts)}, {"addresses", std::move(addresses)}, {"groups", std::move(groups)}};
}

Task<Done> show(Site& site, const Request& request, Answer& answer) {
  const auto name = directory::read_domain(text_argument(request, "domain"));
  if (!name) co_return fail(name.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* domain = snapshot->domain(*name);
  if (domain == nullptr) {
    co_return fail(Problem{ProblemKind::no, *name, "this domain is not here", "posthorn domain list shows them all"});
  }
  json::object shown = domain_json(*domain);
  const directory::Account* postmaster = snapshot->postmaster(*name);
  shown["postmaster"] = postmaster != nullptr ? json::value(postmaster->row.address) : json::value(nullptr);
  for (auto& [key, value] : contents(*snapshot, *name)) shown[key] = value;
  co_return co_await answer.value(json::serialize(shown));
}

Task<Done> remove(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string name = text_argument(request, "domain");
  auto done = co_await commit_plan(site, directory::remove_domain(*snapshot, name), "cannot remove the domain");
  if (!done) co_return done;
  co_return co_await answer.value(json::serialize(json::object{{"removed", name}}));
}

constexpr std::array handlers{Handler{"domain add", add}, Handler{"domain list", list}, Handler{"domain show", show},
                              Handler{"domain remove", remove}};

}  // namespace

std::span<const Handler> domain_handlers() {
  return handlers;
}

}  // namespace posthorn::admin
