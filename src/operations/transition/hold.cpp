#include "operations/transition/hold.h"

#include <algorithm>

#include <fmt/format.h>

#include "operations/domains/record_data.h"
#include "operations/domains/wanted.h"

namespace posthorn::transition {
namespace {

/// The host of an MX row that leads the domain's mail to this server; empty: another record, or another host.
std::string own_host_of(const domains::LedgerRow& row, const domains::Model& model,
                        const domains::Surroundings& around) {
  if (row.type != dns::RecordType::mx || row.name.text() != model.domain) return {};
  const auto data = domains::parse_data(row.type, row.data);
  const auto* mx = data ? std::get_if<dns::Mx>(&*data) : nullptr;
  if (mx == nullptr || mx->exchange.is_root()) return {};
  std::string host = mx->exchange.text();
  const auto ours = domains::mx_hosts_of(model, around);
  const bool is_own = std::ranges::any_of(ours, [&](const domains::MxHost& own) { return own.host == host; });
  return is_own ? host : std::string{};
}

/// Who holds an MX record that led here comes here for its TTL (RFC 1035 3.2.1), and must be served.
std::optional<Hold> old_mx_hold(const domains::Model& model, const domains::Surroundings& around,
                                const domains::Ledger& ledger, TimePoint now) {
  if (model.inbound.side == domains::InboundSide::provider) return std::nullopt;
  std::optional<TimePoint> until;
  for (const domains::LedgerRow& row : ledger.rows) {
    const std::string host = own_host_of(row, model, around);
    if (host.empty()) continue;
    const auto cached = row.cached_until();
    if (!cached)
      return Hold{
          std::nullopt,
          fmt::format("its MX records still led here ({}) when they were last looked at: mail is coming", host)};
    until = std::max(until.value_or(TimePoint::min()), *cached);
  }
  // What had gone before the domain left was waited for then (plan_road, "caches-drain").
  if (!until || *until <= now) return std::nullopt;
  return Hold{until,
              fmt::format("caches may hold its old MX records until {}: mail still comes here", rfc3339(*until))};
}

Hold leaving_hold() {
  return {std::nullopt, "it is leaving: its mail and its policy are looked for here until it has left"};
}

}  // namespace

std::optional<Hold> last_account_hold(const domains::Model& model, const domains::Surroundings& around,
                                      const domains::Ledger& ledger, TimePoint now) {
  if (model.state == domains::State::leaving) return leaving_hold();
  if (model.state != domains::State::migrated) return std::nullopt;
  return old_mx_hold(model, around, ledger, now);
}

std::optional<Hold> removal_hold(const domains::Model& model, const domains::Surroundings& around,
                                 const domains::PolicyLog& policies, const domains::Ledger& ledger, TimePoint now) {
  if (auto mail = last_account_hold(model, around, ledger, now)) return mail;
  const auto held = policies.held_until(now);
  // What others serve for the domain stays there without us.
  const domains::PolicyEntry* const current = policies.current();
  const bool is_theirs = current != nullptr && current->elsewhere && policies.entries.size() == 1;
  if (!held || is_theirs) return std::nullopt;
  const bool is_served = current != nullptr && current->policy.mode != mta_sts::Mode::none;
  if (is_served)
    return Hold{std::nullopt,
                "senders hold its MTA-STS policy, which is being served: gone with the domain, it would "
                "still bind them"};
  return Hold{held, fmt::format("senders may hold one of its MTA-STS policies until {}", rfc3339(*held))};
}

}  // namespace posthorn::transition
