#include "standards/iprev/iprev.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::iprev {
namespace {

bool has_address(const dns::Answer& answer, const IpAddress& ip) {
  return std::ranges::any_of(answer.records(), [&](const dns::Record& record) {
    if (const auto* a = std::get_if<dns::A>(&record.data)) return a->address == ip;
    if (const auto* aaaa = std::get_if<dns::Aaaa>(&record.data)) return aaaa->address == ip;
    return false;
  });
}

/// Without PTR records there is no name to follow: permerror where the DNS says so, else temperror.
Outcome without_names(Outcome outcome, const dns::Answer& answer) {
  const bool definite = dns::is_definite(answer.status());
  outcome.result = definite ? Result::permerror : Result::temperror;
  outcome.reason = definite ? fmt::format("{} has no name", outcome.ip.text())
                            : fmt::format("the name of {} could not be looked up: {}", outcome.ip.text(),
                                          dns::text(answer.status()));
  return outcome;
}

}  // namespace

std::string_view text(Result result) {
  static constexpr std::array<std::string_view, 4> names{"pass", "fail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

Task<Outcome> check(dns::Resolver& resolver, IpAddress ip) {
  Outcome outcome;
  outcome.ip = ip.unmapped();
  const dns::Answer answer = co_await resolver.resolve(dns::reverse_name(outcome.ip), dns::RecordType::ptr);
  outcome.answers.push_back(answer.summary());
  const auto names = answer.all<dns::Ptr>();
  if (names.empty()) co_return without_names(std::move(outcome), answer);
  outcome.name = text::lower(names.front()->target.text());

  const auto type = outcome.ip.is_v4() ? dns::RecordType::a : dns::RecordType::aaaa;
  bool unanswered = false;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), names_max); ++i) {
    const dns::Answer addresses = co_await resolver.resolve(names[i]->target, type);
    outcome.answers.push_back(addresses.summary());
    unanswered |= !dns::is_definite(addresses.status());
    if (!has_address(addresses, outcome.ip)) continue;
    outcome.result = Result::pass;
    outcome.name = text::lower(names[i]->target.text());
    outcome.reason = fmt::format("{} leads back to {}", outcome.name, outcome.ip.text());
    co_return outcome;
  }
  // RFC 8601 2.7.3: a name that could not be followed may have been the right one.
  outcome.result = unanswered ? Result::temperror : Result::fail;
  outcome.reason = unanswered ? "the addresses of a name could not be looked up"
                              : fmt::format("no name of {} leads back to it", outcome.ip.text());
  co_return outcome;
}

}  // namespace posthorn::iprev
