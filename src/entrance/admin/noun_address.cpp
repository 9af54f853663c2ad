// address add|list|remove and group add|list|remove.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace address_noun {
namespace {

namespace json = boost::json;

Task<Done> add_address(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string address = text_argument(request, "address"), to = text_argument(request, "to");
  auto done = co_await commit_plan(site, directory::add_address(*snapshot, address, to), "cannot add the address");
  if (!done) co_return done;
  const std::string key = directory::read_further_address(address).value_or(address);
  co_return co_await answer.value(json::serialize(json::object{{"address", key}, {"account", to}}));
}

Task<Done> list_addresses(Site& site, const Request&, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  for (const storage::AddressRow& row : snapshot->addresses()) {
    const directory::Account* account = snapshot->account(row.account);
    const json::object item{{"address", row.address}, {"account", account != nullptr ? account->row.address : ""}};
    if (auto done = co_await answer.item(json::serialize(item)); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> remove_address(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string address = text_argument(request, "address");
  auto done = co_await commit_plan(site, directory::remove_address(*snapshot, address), "cannot remove the address");
  if (!done) co_return done;
  co_return co_await answer.value(
      json::serialize(json::object{{"removed", directory::read_further_address(address).value_or(address)}}));
}

json::object group_json(const storage::GroupRow& group) {
  return {{"group", group.address}, {"members", json::value_from(group.members)}};
}

/// The group as it is now; an empty object where it is gone.
Task<Done> answer_group(Site& site, Answer& answer, const std::string& address) {
  const auto key = directory::read_address(address);
  const auto snapshot = site.directory->snapshot();
  const storage::GroupRow* group = key ? snapshot->group(*key) : nullptr;
  if (group == nullptr) co_return co_await answer.value(json::serialize(json::object{{"removed", address}}));
  co_return co_await answer.value(json::serialize(group_json(*group)));
}

Task<Done> add_group(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string address = text_argument(request, "address");
  auto plan = directory::add_group(*snapshot, address, list_argument(request, "members"));
  if (auto done = co_await commit_plan(site, std::move(plan), "cannot add the group"); !done) co_return done;
  co_return co_await answer_group(site, answer, address);
}

Task<Done> list_groups(Site& site, const Request&, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  for (const storage::GroupRow* group : snapshot->groups()) {
    if (auto done = co_await answer.item(json::serialize(group_json(*group))); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> remove_group(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string address = text_argument(request, "address");
  auto plan = directory::remove_group(*snapshot, address, list_argument(request, "members"));
  if (auto done = co_await commit_plan(site, std::move(plan), "cannot remove the group"); !done) co_return done;
  co_return co_await answer_group(site, answer, address);
}

constexpr std::array addresses{Handler{"address add", add_address}, Handler{"address list", list_addresses},
                               Handler{"address remove", remove_address}};
constexpr std::array groups{Handler{"group add", add_group}, Handler{"group list", list_groups},
                            Handler{"group remove", remove_group}};

}  // namespace
}  // namespace address_noun

std::span<const Handler> address_handlers() {
  return address_noun::addresses;
}
std::span<const Handler> group_handlers() {
  return address_noun::groups;
}

}  // namespace posthorn::admin
