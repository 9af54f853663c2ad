#include "entrance/cli/domain_lease.h"

#include <boost/json.hpp>
#include <unistd.h>

#include "foundation/text/json_text.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/process_mark.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

/// Never --now: leases are about processes that run in the present.
TimePoint present() {
  return runtime::SystemClock().now();
}

}  // namespace

std::optional<Problem> DomainLease::held_by_other() const {
  if (life_.lease.empty()) return std::nullopt;
  json::error_code error;
  const json::value held = json::parse(life_.lease, error);
  if (error || !held.is_object()) return std::nullopt;
  const json::object& object = held.as_object();
  const auto until = read_time(text::json_text(object, "until"));
  const std::string mark = text::json_text(object, "mark");
  if (!until || *until <= present() || mark == runtime::own_process_mark() || runtime::has_ended(mark))
    return std::nullopt;
  return Problem{
      ProblemKind::unavailable, life_.model.domain,
      fmt::format("somebody else is at work on it: {}, {}, since {}", text::json_text(object, "doing"),
                  text::json_text(object, "by"), text::json_text(object, "since")),
      fmt::format("wait until it is done; where that process hangs, it is free again at {}", rfc3339(*until))};
}

Result<void, Problem> DomainLease::take(std::string_view doing) {
  if (auto held = held_by_other()) return fail(std::move(*held));
  doing_ = doing;
  life_.lease.clear();
  renew();
  return life_.save();
}

void DomainLease::renew() {
  json::error_code error;
  const json::value held = json::parse(life_.lease.empty() ? "{}" : life_.lease, error);
  const TimePoint now = present();
  const std::string since = !error && held.is_object() ? text::json_text(held.as_object(), "since") : std::string{};
  life_.lease = json::serialize(json::object{{"by", fmt::format("uid {}, process {}", ::getuid(), ::getpid())},
                                             {"doing", doing_},
                                             {"mark", runtime::own_process_mark()},
                                             {"since", since.empty() ? rfc3339(now) : since},
                                             {"until", rfc3339(now + lease_time)}});
}

void DomainLease::give_back() {
  life_.lease.clear();
  if (const auto saved = life_.save(); !saved) print_problem(saved.error());
}

std::optional<Problem> refused_while_applied(DomainLife& life) {
  return DomainLease(life).held_by_other();
}

}  // namespace posthorn::cli
