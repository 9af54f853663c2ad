// account add|list|show|set|remove.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "entrance/admin/held.h"
#include "flow/mailbox/taken.h"
#include "foundation/crypto/password.h"
#include "site/config/values.h"
#include "site/directory/password_text.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace account_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t password_octets_max = 1024;

json::object account_json(const directory::Account& account) {
  return {{"account", account.row.address},
          {"enabled", account.row.enabled},
          {"quota", account.row.quota_octets},
          {"password", !account.row.password_hash.empty()},
          {"addresses", json::value_from(account.addresses)},
          {"logins", json::value_from(account.logins)},
          {"created", time_value(account.row.created)}};
}

/// Argon2id of the argument "password", on a worker; empty where it is absent.
Task<Result<std::string, Problem>> password_hash(Site& site, const Request& request) {
  const std::string password = text_argument(request, "password");
  if (!request.arguments.contains("password")) co_return std::string{};
  if (password.empty() || password.size() > password_octets_max) {
    co_return fail(Problem{ProblemKind::usage, "the password", password.empty() ? "it is empty" : "it is too long",
                           "put one line of at most 1,024 octets into the file"});
  }
  const std::function<std::string()> work = [typed = directory::password_text(password)] {
    return crypto::hash_password(typed);
  };
  auto hash = co_await site.workers->run(work);
  if (!hash)
    co_return fail(Problem{ProblemKind::unavailable, "the password", "too much is being computed", "try again"});
  co_return std::move(*hash);
}

/// The argument "quota"; nullopt: absent.
Result<std::optional<std::uint64_t>, Problem> quota(const Request& request) {
  const std::string text = text_argument(request, "quota");
  if (text.empty()) return std::nullopt;
  if (text == "none") return std::optional<std::uint64_t>(0);
  const auto octets = config::parse_size(text);
  if (!octets) return fail(Problem{ProblemKind::usage, "--quota " + text, "this is no size", "write \"2GB\" or none"});
  return octets;
}

Task<Done> answer_account(Site& site, Answer& answer, const std::string& address) {
  const auto key = directory::read_address(address);
  const auto snapshot = site.directory->snapshot();
  const directory::Account* account = key ? snapshot->account_of(*key) : nullptr;
  if (account == nullptr) co_return Done{};
  co_return co_await answer.value(json::serialize(account_json(*account)));
}

Task<Done> add(Site& site, const Request& request, Answer& answer) {
  const auto quota_octets = quota(request);
  if (!quota_octets) co_return fail(quota_octets.error());
  directory::NewAccount account{.address = text_argument(request, "address")};
  account.quota_octets = quota_octets->value_or(site.config.limits.quota);
  const auto before = site.directory->snapshot();
  // Looked at before the expensive hash, planned with it afterwards.
  if (auto plan = directory::add_account(*before, account, site.clock->now()); !plan) co_return fail(plan.error());
  auto hash = co_await password_hash(site, request);
  if (!hash) co_return fail(hash.error());
  account.password_hash = std::move(*hash);
  const auto present = site.directory->snapshot();
  auto plan = directory::add_account(*present, account, site.clock->now());
  if (!plan) co_return fail(plan.error());
  const auto committed = co_await commit(site, std::move(*plan), "cannot add the account");
  if (!committed) co_return fail(committed.error());
  // Its mailboxes, so that it looks the same before and after the first mail. Delivery makes them too where this fails.
  [[maybe_unused]] const auto folders = co_await site.folders->of(committed->account);
  co_return co_await answer_account(site, answer, account.address);
}

Task<Done> list(Site& site, const Request&, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  for (const directory::Account* account : snapshot->accounts()) {
    if (auto done = co_await answer.item(json::serialize(account_json(*account))); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> show(Site& site, const Request& request, Answer& answer) {
  const auto key = directory::read_address(text_argument(request, "address"));
  if (!key) co_return fail(key.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Account* account = snapshot->account_of(*key);
  if (account == nullptr) {
    co_return fail(Problem{ProblemKind::no, *key, "there is no such account", "posthorn account list shows them all"});
  }
  const storage::AccountId id = account->row.id;
  const auto question = [id](storage::Reader& reader) { return reader.usage(id); };
  const storage::UsageRow usage = co_await site.store->read(question);
  json::object shown = account_json(*account);
  shown["used"] = usage.octets;
  shown["messages"] = usage.messages;
  json::array groups;
  for (const storage::GroupRow* group : snapshot->groups()) {
    if (std::ranges::find(group->members, account->row.address) != group->members.end()) {
      groups.emplace_back(group->address);
    }
  }
  shown["groups"] = std::move(groups);
  co_return co_await answer.value(json::serialize(shown));
}

Task<Done> set(Site& site, const Request& request, Answer& answer) {
  const std::string address = text_argument(request, "address");
  directory::AccountChange change;
  const auto quota_octets = quota(request);
  if (!quota_octets) co_return fail(quota_octets.error());
  change.quota_octets = *quota_octets;
  if (const auto* enabled = request.arguments.if_contains("enabled"); enabled != nullptr && enabled->is_bool()) {
    change.enabled = enabled->as_bool();
  }
  if (request.arguments.contains("password")) {
    auto hash = co_await password_hash(site, request);
    if (!hash) co_return fail(hash.error());
    change.password_hash = std::move(*hash);
  }
  const auto snapshot = site.directory->snapshot();
  auto plan = directory::set_account(*snapshot, address, change);
  if (auto done = co_await commit_plan(site, std::move(plan), "cannot change the account"); !done) co_return done;
  if (!text_argument(request, "postmaster").empty()) {
    const auto changed = site.directory->snapshot();
    auto chosen = directory::set_postmaster(*changed, address);
    if (auto done = co_await commit_plan(site, std::move(chosen), "cannot change the postmaster"); !done)
      co_return done;
  }
  co_return co_await answer_account(site, answer, address);
}

Task<Done> remove(Site& site, const Request& request, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  const std::string address = text_argument(request, "address");
  const auto key = directory::read_address(address);
  const directory::Account* account = key ? snapshot->account_of(*key) : nullptr;
  if (account != nullptr) {
    auto may = co_await may_remove_account(site, account->row.address, text_argument(request, "override"));
    if (!may) co_return fail(std::move(may.error()));
  }
  auto done = co_await commit_plan(site, directory::remove_account(*snapshot, address), "cannot remove the account");
  if (!done) co_return done;
  // What imports know of it; the account is gone, whatever becomes of this.
  if (account != nullptr) (void)co_await mailbox::forget_taken(*site.store, mailbox::taken_prefix(account->row.id));
  co_return co_await answer.value(json::serialize(json::object{{"removed", address}}));
}

constexpr std::array handlers{Handler{"account add", add}, Handler{"account list", list}, Handler{"account show", show},
                              Handler{"account set", set}, Handler{"account remove", remove}};

}  // namespace
}  // namespace account_noun

std::span<const Handler> account_handlers() {
  return account_noun::handlers;
}

}  // namespace posthorn::admin
