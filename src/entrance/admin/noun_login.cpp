// login add|list|revoke: application logins.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "foundation/text/ascii.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace login_noun {
namespace {

namespace json = boost::json;

json::array scope_json(std::string_view scope) {
  json::array out;
  for (const std::string_view word : text::split(scope, ',')) out.emplace_back(word);
  return out;
}

Task<Done> add(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  auto login = directory::add_login(*snapshot, text_argument(request, "address"), text_argument(request, "label"),
                                    text_argument(request, "scope"), site.clock->now());
  if (!login) co_return fail(login.error());
  const auto committed = co_await commit(site, std::move(login->unit), "cannot add the login");
  if (!committed) co_return fail(committed.error());
  // The only time the secret is shown; it is stored nowhere.
  co_return co_await answer.value(json::serialize(json::object{{"login", login->name}, {"secret", login->secret}}));
}

Task<Done> list(Site& site, const Request& request, Answer& answer) {
  const std::string wanted = text_argument(request, "address");
  std::string key;
  if (!wanted.empty()) {
    auto read = directory::read_address(wanted);
    if (!read) co_return fail(read.error());
    key = std::move(*read);
  }
  const auto snapshot = site.directory->snapshot();
  for (const storage::LoginRow* login : snapshot->logins()) {
    const directory::Account* account = snapshot->account(login->account);
    const std::string owner = account != nullptr ? account->row.address : "";
    if (!key.empty() && owner != key) continue;
    const json::object item{{"login", login->name},
                            {"account", owner},
                            {"label", login->label},
                            {"scope", scope_json(login->scope)},
                            {"created", time_value(login->created)},
                            {"last_used", time_value(login->last_used)},
                            {"last_used_from", login->last_used_from}};
    if (auto done = co_await answer.item(json::serialize(item)); !done) co_return done;
  }
  co_return Done{};
}

/// The login of the account that bears the label; a "no" where none does, or more than one.
Result<std::string, Problem> named_by(const directory::Snapshot& snapshot, const std::string& address,
                                      const std::string& label) {
  const auto key = directory::read_address(address);
  if (!key) return fail(key.error());
  std::string names;
  std::size_t found = 0;
  for (const storage::LoginRow* login : snapshot.logins()) {
    const directory::Account* const account = snapshot.account(login->account);
    if (login->label != label || account == nullptr || account->row.address != *key) continue;
    names += (found++ == 0 ? "" : ", ") + login->name;
  }
  if (found == 1) return names;
  const std::string what = fmt::format("cannot revoke the login '{}' of {}", label, *key);
  if (found == 0)
    return fail(Problem{ProblemKind::no, what, "there is no such login", "posthorn login list shows them all"});
  return fail(Problem{ProblemKind::no, what, "more than one is called so", "name the one that is meant: " + names});
}

Task<Done> revoke(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string given = text_argument(request, "login"), label = text_argument(request, "label");
  const auto name = label.empty() ? Result<std::string, Problem>(given) : named_by(*snapshot, given, label);
  if (!name) co_return fail(name.error());
  auto done = co_await commit_plan(site, directory::revoke_login(*snapshot, *name), "cannot revoke the login");
  if (!done) co_return done;
  co_return co_await answer.value(json::serialize(json::object{{"revoked", *name}}));
}

constexpr std::array handlers{Handler{"login add", add}, Handler{"login list", list}, Handler{"login revoke", revoke}};

}  // namespace
}  // namespace login_noun

std::span<const Handler> login_handlers() {
  return login_noun::handlers;
}

}  // namespace posthorn::admin
