#include "entrance/admin/handler.h"

#include <algorithm>

#include <boost/json.hpp>

namespace posthorn::admin {
namespace {

using Table = std::span<const Handler> (*)();
constexpr std::array tables{Table{domain_handlers},        Table{domain_life_handlers}, Table{domain_watch_handlers},
                            Table{key_handlers},           Table{certificate_handlers}, Table{account_handlers},
                            Table{login_handlers},         Table{address_handlers},     Table{group_handlers},
                            Table{queue_handlers},         Table{message_handlers},     Table{mailbox_handlers},
                            Table{mail_transfer_handlers}, Table{store_handlers},       Table{server_handlers}};

Problem commit_problem(std::string what, const storage::CommitFailure& failure) {
  switch (failure.error) {
    case storage::CommitError::precondition_failed:
      return {ProblemKind::no, std::move(what), "somebody else has changed it in the same moment", "look again"};
    case storage::CommitError::no_space:
      return {ProblemKind::unavailable, std::move(what), "the disk is full", "make room, then try again"};
    case storage::CommitError::damaged:
      return {ProblemKind::unavailable, std::move(what), "a page of posthorn.db that it needs is damaged",
              "posthorn store verify names the damage; stop the server, then --repair puts single octets back"};
    case storage::CommitError::shutting_down:
      break;
  }
  return {ProblemKind::unavailable, std::move(what), "the server is ending", "try again when it is back"};
}

}  // namespace

const Handler* find_handler(std::string_view verb) {
  for (const Table table : tables) {
    const std::span<const Handler> rows = table();
    const auto at = std::ranges::find(rows, verb, &Handler::verb);
    if (at != rows.end()) return &*at;
  }
  return nullptr;
}

Problem unreadable_store(const config::Config& config, std::string_view why) {
  return {ProblemKind::unavailable, "cannot read the store " + config.store_dir.string(), std::string(why),
          "posthorn store verify names the damage, with --repair it puts single octets back; posthorn restore brings "
          "back a backup"};
}

std::string text_argument(const Request& request, std::string_view name) {
  const auto* const value = request.arguments.if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->as_string());
}

std::vector<std::string> list_argument(const Request& request, std::string_view name) {
  std::vector<std::string> out;
  const auto* const value = request.arguments.if_contains(boost::json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_array()) return out;
  for (const boost::json::value& element : value->as_array()) {
    if (element.is_string()) out.emplace_back(element.as_string());
  }
  return out;
}

Task<Result<storage::Committed, Problem>> commit(Site& site, storage::Unit unit, std::string what) {
  auto committed = co_await site.store->commit(std::move(unit));
  if (!committed) co_return fail(commit_problem(std::move(what), committed.error()));
  co_return std::move(*committed);
}

Task<Done> commit_plan(Site& site, Result<storage::Unit, Problem> plan, std::string what) {
  if (!plan) co_return fail(std::move(plan.error()));
  const auto committed = co_await commit(site, std::move(*plan), std::move(what));
  if (!committed) co_return fail(committed.error());
  co_return Done{};
}

boost::json::value time_value(std::optional<TimePoint> at) {
  if (!at) return nullptr;
  return boost::json::string(rfc3339(*at));
}

}  // namespace posthorn::admin
