#include "operations/domains/policy_host.h"

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"

namespace posthorn::domains {
namespace {

constexpr unsigned http_ok = 200, http_not_found = 404, http_unavailable = 503;

/// "mta-sts.Example.org:443" → "example.org"; empty where it is no policy host.
std::string domain_of_host(std::string_view host) {
  const std::string_view name = host.substr(0, host.find(':'));
  const auto parsed = address::Domain::parse(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
  if (!parsed || !parsed->a_label().starts_with(policy_host_label)) return {};
  return parsed->a_label().substr(policy_host_label.size());
}

std::string read_setting(storage::Reader& reader, const std::string& key) {
  return reader.setting(key);
}

}  // namespace

Task<PolicyAnswer> PolicyHost::answer(std::string host, std::string path) {
  const std::string domain = domain_of_host(host);
  if (domain.empty() || path != policy_path) co_return PolicyAnswer{http_not_found, "text/plain", "not here\n"};
  const std::string key = policy_log_key(domain);
  // Somebody else may record a fetch, or serve another policy, between the look and the commit.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto look = [key](storage::Reader& reader) { return read_setting(reader, key); };
    const std::string kept = co_await store_.read(std::move(look));
    PolicyLog log = parse_policy_log(kept);
    const PolicyEntry* current = log.current();
    if (current == nullptr || current->elsewhere)
      co_return PolicyAnswer{http_not_found, "text/plain", "no policy for this domain\n"};
    PolicyAnswer answer{http_ok, "text/plain", mta_sts::policy_text(current->policy)};
    const TimePoint now = clock_.now();
    if (current->last_fetched >= now) co_return answer;
    log.fetched(now + rounding);
    storage::Unit unit;
    unit.preconditions.emplace_back(storage::SettingIs{key, kept});
    unit.mutations.emplace_back(storage::PutSetting{key, policy_log_json(log)});
    const auto committed = co_await store_.commit(std::move(unit));
    if (committed) co_return answer;
    if (committed.error().error != storage::CommitError::precondition_failed) break;
  }
  co_return PolicyAnswer{http_unavailable, "text/plain", "try again\n"};
}

}  // namespace posthorn::domains
