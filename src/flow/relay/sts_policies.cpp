#include "flow/relay/sts_policies.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "standards/mta_sts/record.h"

namespace posthorn::relay {

namespace {

namespace json = boost::json;

constexpr std::size_t refresh_page = 200;
constexpr Duration fetch_time_max = std::chrono::seconds(60);  // RFC 8461 3.3: "one minute is suggested"

// ---------------------------------------------------------------- the row: {"id","fetched","policy"}

std::string row_text(const StsPolicy& policy) {
  return json::serialize(json::object{
      {"id", policy.id}, {"fetched", unix_seconds(policy.fetched)}, {"policy", mta_sts::policy_text(policy.policy)}});
}

/// Null for anything that this version has not written.
std::shared_ptr<const StsPolicy> policy_of(const std::string& row) {
  boost::system::error_code error;
  const json::value value = json::parse(row, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (object == nullptr) return nullptr;
  const json::value* id = object->if_contains("id");
  const json::value* fetched = object->if_contains("fetched");
  const json::value* text = object->if_contains("policy");
  const bool whole = id && id->is_string() && fetched && fetched->is_int64() && text && text->is_string();
  if (!whole) return nullptr;
  auto policy = mta_sts::parse_policy(text->get_string());
  if (!policy) return nullptr;
  return std::make_shared<const StsPolicy>(
      StsPolicy{std::move(*policy), std::string(id->get_string()), from_unix_seconds(fetched->get_int64())});
}

std::string key_of(const std::string& domain) {
  return policy_key_prefix + domain;
}

/// Asked on a reader thread.
struct SettingQuestion {
  std::string key;
  std::string operator()(storage::Reader& reader) const { return reader.setting(key); }
};
struct SettingsQuestion {
  std::string after;
  std::vector<std::pair<std::string, std::string>> operator()(storage::Reader& reader) const {
    return reader.settings(policy_key_prefix, after, refresh_page);
  }
};

tls_rpt::ResultType type_of(https::FailureKind kind) {
  const bool webpki = kind == https::FailureKind::certificate;
  return webpki ? tls_rpt::ResultType::sts_webpki_invalid : tls_rpt::ResultType::sts_policy_fetch_error;
}

std::string kept_note(const std::string& domain, const StsPolicy& policy, const std::string& why) {
  return fmt::format("the MTA-STS policy of {} stays in force until {}: {}", domain, rfc3339(policy.expires()), why);
}

}  // namespace

https::Request policy_request(std::string_view domain, std::uint16_t port) {
  https::Request request;
  request.host = fmt::format("mta-sts.{}", domain);
  request.port = port;
  request.path = "/.well-known/mta-sts.txt";
  request.octets_max = mta_sts::policy_octets_max;
  request.time_max = fetch_time_max;
  return request;
}

Task<Result<std::string, PolicyProblem>> HttpsPolicyFetcher::fetch(std::string domain) {
  https::Request request = policy_request(domain, port_);
  Result<https::Response, https::Failure> response = co_await client_.send(std::move(request));
  if (!response) co_return fail(PolicyProblem{type_of(response.error().kind), response.error().reason});
  // RFC 8461 3.3: any status but 200 is no policy, and redirects are not followed.
  if (response->status != 200)
    co_return fail(PolicyProblem{tls_rpt::ResultType::sts_policy_fetch_error,
                                 fmt::format("the policy host answered with HTTP status {}", response->status)});
  co_return std::move(response->body);
}

struct StsPolicies::Entry {
  bool loaded = false;  ///< the store was asked
  std::shared_ptr<const StsPolicy> policy;
  std::string tried_id;  ///< the id of the last attempt that failed
  TimePoint tried{};
  std::optional<PolicyProblem> problem;
  bool fetching = false;
  std::vector<Done> waiting;  ///< for the fetch under way
};

StsPolicies::StsPolicies(storage::Store& store, dns::Resolver& resolver, PolicyFetcher& fetcher, runtime::Clock& clock)
    : store_(store), resolver_(resolver), fetcher_(fetcher), clock_(clock) {}
StsPolicies::~StsPolicies() = default;

std::size_t StsPolicies::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

/// The unexpired policy that we have, from memory or the store.
Task<std::shared_ptr<const StsPolicy>> StsPolicies::kept(std::string domain) {
  std::shared_ptr<const StsPolicy> policy;
  bool loaded = false;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(domain);
    loaded = entry != entries_.end() && entry->second.loaded;
    if (loaded) policy = entry->second.policy;
  }
  if (!loaded) {
    SettingQuestion question{key_of(domain)};
    const std::string row = co_await store_.read(std::move(question));
    policy = row.empty() ? nullptr : policy_of(row);
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= policies_in_memory_max)
      std::erase_if(entries_, [](const auto& each) { return !each.second.fetching; });
    Entry& entry = entries_[domain];
    // A fetch may have ended meanwhile: what it brought is newer.
    if (!entry.loaded) entry.policy = policy;
    entry.loaded = true;
    policy = entry.policy;
  }
  const bool expired = policy && policy->expires() <= clock_.now();
  co_return expired ? nullptr : policy;
}

bool StsPolicies::may_try(const std::string& domain, const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(domain);
  if (entry == entries_.end() || !entry->second.problem || entry->second.tried_id != id) return true;
  return clock_.now() - entry->second.tried >= policy_retry_after;
}

Task<StsFound> StsPolicies::find(std::string domain) {
  const auto name = dns::Name::parse(domain);
  if (!name) co_return StsFound{};
  const std::shared_ptr<const StsPolicy> policy = co_await kept(domain);
  const mta_sts::RecordLookup record = co_await mta_sts::find_record(resolver_, *name);
  if (record.state != mta_sts::RecordState::found) {
    // RFC 8461 5.1: a policy that is not expired is applied although no live one can be discovered.
    if (policy) co_return StsFound{policy, {}, kept_note(domain, *policy, record.reason)};
    co_return StsFound{};
  }
  if (policy && policy->id == record.record.id) co_return StsFound{policy, {}, {}};
  if (may_try(domain, record.record.id)) co_return co_await fetch_once(domain, record.record.id, policy);
  std::optional<PolicyProblem> problem;
  {
    const std::lock_guard lock(mutex_);
    if (const auto entry = entries_.find(domain); entry != entries_.end()) problem = entry->second.problem;
  }
  co_return StsFound{policy, problem, problem ? problem->reason : ""};
}

/// Ends a fetch for all who wait for it, also where the one who fetched is unwound.
class StsPolicies::Flight {
 public:
  Flight(StsPolicies& owner, std::string domain, StsFound otherwise)
      : owner_(owner), domain_(std::move(domain)), found_(std::move(otherwise)) {}
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() { owner_.land(domain_, found_); }
  void set(StsFound found) { found_ = std::move(found); }

 private:
  StsPolicies& owner_;
  std::string domain_;
  StsFound found_;
};

void StsPolicies::land(const std::string& domain, const StsFound& found) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[domain];
    entry.fetching = false;
    waiting.swap(entry.waiting);
  }
  for (const Done& each : waiting) each.set(found);
}

/// Couriers of one domain share a fetch.
Task<StsFound> StsPolicies::fetch_once(std::string domain, std::string id, std::shared_ptr<const StsPolicy> old) {
  Done done;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[domain];
    first = !std::exchange(entry.fetching, true);
    if (!first) entry.waiting.push_back(done);
  }
  if (!first) co_return co_await done.wait();
  Flight flight(*this, domain, StsFound{old, {}, {}});
  const StsFound found = co_await fetch(domain, std::move(id), std::move(old));
  flight.set(found);
  co_return found;
}

Task<StsFound> StsPolicies::fetch(std::string domain, std::string id, std::shared_ptr<const StsPolicy> old) {
  const Result<std::string, PolicyProblem> body = co_await fetcher_.fetch(domain);
  std::optional<PolicyProblem> problem;
  if (!body) problem = body.error();
  auto parsed = body ? mta_sts::parse_policy(*body) : Result<mta_sts::Policy, mta_sts::PolicyError>(mta_sts::Policy{});
  if (!parsed) problem = PolicyProblem{tls_rpt::ResultType::sts_policy_invalid, parsed.error().text()};
  if (!problem) {
    auto policy = std::make_shared<const StsPolicy>(StsPolicy{std::move(*parsed), std::move(id), clock_.now()});
    keep(domain, policy);
    co_return StsFound{policy, {}, fmt::format("fetched the MTA-STS policy of {} (id {})", domain, policy->id)};
  }
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[domain];
    entry.tried = clock_.now();
    entry.tried_id = std::move(id);
    entry.problem = problem;
  }
  const std::string why = "a newer one could not be had: " + problem->reason;
  if (old) co_return StsFound{old, problem, kept_note(domain, *old, why)};
  co_return StsFound{nullptr, problem,
                     fmt::format("no MTA-STS policy of {} could be had: {}", domain, problem->reason)};
}

void StsPolicies::keep(const std::string& domain, std::shared_ptr<const StsPolicy> policy) {
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutSetting{key_of(domain), row_text(*policy)});
  store_.commit_later(std::move(unit));
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[domain];
  entry.loaded = true;
  entry.policy = std::move(policy);
  entry.problem.reset();
}

Task<> StsPolicies::refresh() {
  for (std::string after;;) {
    SettingsQuestion question{after};
    const auto rows = co_await store_.read(std::move(question));
    for (const auto& [key, row] : rows) {
      after = key;
      const std::string domain = key.substr(std::string_view(policy_key_prefix).size());
      const std::shared_ptr<const StsPolicy> policy = policy_of(row);
      if (!policy || policy->expires() <= clock_.now()) {
        storage::Unit unit;
        unit.mutations.emplace_back(storage::PutSetting{key, ""});
        store_.commit_later(std::move(unit));
      } else if (clock_.now() - policy->fetched >= policy_refresh_after && may_try(domain, policy->id)) {
        // The id in the record may be older than the file (body first, TXT after it): it is kept as it was.
        (void)co_await fetch_once(domain, policy->id, policy);
      }
    }
    if (rows.size() < refresh_page) co_return;
  }
}

}  // namespace posthorn::relay
