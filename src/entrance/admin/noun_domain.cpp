// domain add|list|show|remove: the rows only; what DNS should say is operations/domains.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "entrance/admin/held.h"
#include "foundation/text/ascii.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace domain_noun {
namespace {

namespace json = boost::json;

/// What the domain chose; null: the site's choice holds.
json::value choice(const std::string& word) {
  return word.empty() ? json::value(nullptr) : json::value(word);
}

json::object domain_json(const directory::Domain& domain) {
  return {{"domain", domain.row.name},
          {"state", domain.row.state},
          {"hosted", domain.hosted},
          {"inbound_dmarc", choice(domain.inbound_dmarc)},
          {"inbound_dns_failure", choice(domain.inbound_dns_failure)},
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
  if (added == nullptr) co_return co_await answer.value("{}");
  // Where no key can be made the domain takes mail all the same; what it sends is not signed, and the answer says why.
  Done keys;
  if (added->hosted && !added->is_parked()) keys = co_await add_first_keys(site, *name);
  json::object shown = domain_json(*added);
  shown["keys"] = keys_json(site, *name);
  if (!keys) shown["unsigned"] = keys.error().text();
  co_return co_await answer.value(json::serialize(shown));
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

/// With which keys mail from outside was validly signed for the domain.
Task<json::array> selectors_seen(Site& site, std::string domain) {
  auto question = [domain = std::move(domain)](storage::Reader& reader) { return reader.selectors_seen(domain); };
  const std::vector<storage::SelectorRow> seen = co_await site.store->read(std::move(question));
  json::array out;
  for (const storage::SelectorRow& one : seen) {
    out.emplace_back(json::object{{"selector", one.selector},
                                  {"algorithm", one.algorithm},
                                  {"key_bits", one.key_bits},
                                  {"first_seen", time_value(one.first_seen)},
                                  {"last_seen", time_value(one.last_seen)}});
  }
  co_return out;
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
  shown["keys"] = keys_json(site, *name);
  for (auto& [key, value] : contents(*snapshot, *name)) shown[key] = value;
  shown["selectors_seen"] = co_await selectors_seen(site, *name);
  co_return co_await answer.value(json::serialize(shown));
}

/// One of the words, or "site" for none of one's own; absent: unchanged.
Result<std::optional<std::string>, Problem> read_choice(const Request& request, std::string_view argument,
                                                        std::span<const std::string_view> words) {
  std::string word = text_argument(request, argument);
  if (word.empty()) return std::optional<std::string>{};
  if (word == "site") return std::optional<std::string>{""};
  if (std::ranges::find(words, word) != words.end()) return std::optional<std::string>{std::move(word)};
  return fail(Problem{ProblemKind::usage, fmt::format("'{}'", text::printable(word)), "this is not known here",
                      fmt::format("write {} or site", fmt::join(words, ", "))});
}

Task<Done> set(Site& site, const Request& request, Answer& answer) {
  auto dmarc = read_choice(request, "inbound_dmarc", config::dmarc_handling_words);
  if (!dmarc) co_return fail(std::move(dmarc.error()));
  auto failure = read_choice(request, "inbound_dns_failure", config::dns_failure_words);
  if (!failure) co_return fail(std::move(failure.error()));
  const auto snapshot = site.directory->snapshot();
  const std::string name = text_argument(request, "domain");
  const directory::DomainChange change{std::move(*dmarc), std::move(*failure)};
  auto done = co_await commit_plan(site, directory::set_domain(*snapshot, name, change), "cannot change the domain");
  if (!done) co_return done;
  const auto after = site.directory->snapshot();
  const directory::Domain* domain = after->domain(*directory::read_domain(name));
  co_return co_await answer.value(json::serialize(domain != nullptr ? domain_json(*domain) : json::object{}));
}

Task<Done> remove(Site& site, const Request& request, Answer& answer) {
  const std::string name = text_argument(request, "domain");
  if (const auto known = directory::read_domain(name)) {
    auto may = co_await may_forget_domain(site, *known, text_argument(request, "override"));
    if (!may) co_return fail(std::move(may.error()));
  }
  const auto snapshot = site.directory->snapshot();
  auto done = co_await commit_plan(site, directory::remove_domain(*snapshot, name), "cannot remove the domain");
  if (!done) co_return done;
  co_return co_await answer.value(json::serialize(json::object{{"removed", name}}));
}

constexpr std::array handlers{Handler{"domain add", add}, Handler{"domain list", list}, Handler{"domain show", show},
                              Handler{"domain set", set}, Handler{"domain remove", remove}};

}  // namespace
}  // namespace domain_noun

std::span<const Handler> domain_handlers() {
  return domain_noun::handlers;
}

}  // namespace posthorn::admin
