#include "flow/relay/tls_ledger.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::relay {

namespace {

constexpr std::size_t page = 500;

std::string key_of(std::string_view day, std::string_view domain) {
  return fmt::format("{}{}/{}", ledger_key_prefix, day, domain);
}

struct RowQuestion {
  std::string key;
  std::string operator()(storage::Reader& reader) const { return reader.setting(key); }
};
struct RowsQuestion {
  std::string prefix, after;
  std::vector<std::string> operator()(storage::Reader& reader) const {
    std::vector<std::string> keys;
    for (auto& [key, value] : reader.settings(prefix, after, page)) keys.push_back(std::move(key));
    return keys;
  }
};

bool is_same(const tls_rpt::PolicyReport& a, const tls_rpt::PolicyReport& b) {
  return a.policy_type == b.policy_type && a.policy_string == b.policy_string && a.mx_host == b.mx_host;
}

bool is_same(const tls_rpt::FailureDetail& a, const tls_rpt::FailureDetail& b) {
  return a.result_type == b.result_type && a.sending_mta_ip == b.sending_mta_ip &&
         a.receiving_mx_hostname == b.receiving_mx_hostname && a.receiving_ip == b.receiving_ip &&
         a.failure_reason_code == b.failure_reason_code;
}

void add_detail(tls_rpt::PolicyReport& into, const tls_rpt::FailureDetail& detail) {
  const auto same = std::ranges::find_if(into.failures, [&](const auto& each) { return is_same(each, detail); });
  if (same != into.failures.end())
    same->failed_session_count += detail.failed_session_count;
  else if (into.failures.size() < details_per_policy_max)
    into.failures.push_back(detail);
}

tls_rpt::PolicyReport report_of(const TlsOutcome& outcome) {
  tls_rpt::PolicyReport out;
  out.policy_type = tls_rpt::text(outcome.policy_type);
  out.policy_string = outcome.policy_string;
  out.policy_domain = outcome.policy_domain;
  out.mx_host = outcome.mx_patterns;
  if (!outcome.failure) {
    out.successful_sessions = 1;
    return out;
  }
  out.failed_sessions = 1;
  tls_rpt::FailureDetail detail;
  detail.result_type = tls_rpt::text(*outcome.failure);
  detail.sending_mta_ip = outcome.sending_ip;
  detail.receiving_mx_hostname = outcome.mx_host;
  detail.receiving_ip = outcome.receiving_ip;
  detail.failed_session_count = 1;
  detail.failure_reason_code = outcome.reason;
  out.failures.push_back(std::move(detail));
  return out;
}

}  // namespace

std::string day_text(TimePoint at) {
  return rfc3339(at).substr(0, std::string_view("YYYY-MM-DD").size());
}

void add_report(tls_rpt::Report& into, const tls_rpt::Report& from) {
  for (const tls_rpt::PolicyReport& policy : from.policies) {
    const auto same = std::ranges::find_if(into.policies, [&](const auto& each) { return is_same(each, policy); });
    if (same == into.policies.end()) {
      into.policies.push_back(policy);
      continue;
    }
    same->successful_sessions += policy.successful_sessions;
    same->failed_sessions += policy.failed_sessions;
    for (const tls_rpt::FailureDetail& detail : policy.failures) add_detail(*same, detail);
  }
}

void TlsLedger::note(const TlsOutcome& outcome) {
  tls_rpt::Report one;
  one.start = std::chrono::floor<std::chrono::days>(outcome.at);
  one.end = one.start + std::chrono::days(1) - std::chrono::seconds(1);
  one.policies.push_back(report_of(outcome));
  const std::lock_guard lock(mutex_);
  const Key key{day_text(outcome.at), outcome.policy_domain};
  const auto found = noted_.find(key);
  if (found != noted_.end())
    add_report(found->second, one);
  else if (noted_.size() < ledger_domains_max)
    noted_.emplace(key, std::move(one));
}

Task<> TlsLedger::flush() {
  std::map<Key, tls_rpt::Report> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(noted_);
  }
  storage::Unit unit;
  for (auto& [key, report] : taken) {
    const std::optional<tls_rpt::Report> before = co_await tls_day(store_, key.first, key.second);
    tls_rpt::Report whole = before.value_or(tls_rpt::Report{});
    whole.start = report.start;
    whole.end = report.end;
    add_report(whole, report);
    unit.mutations.emplace_back(storage::PutSetting{key_of(key.first, key.second), tls_rpt::write_report(whole)});
  }
  if (unit.mutations.empty()) co_return;
  const Result<storage::Committed, storage::CommitFailure> committed = co_await store_.commit(std::move(unit));
  if (committed) co_return;
  // The disk is full: the counts wait for the next flush.
  const std::lock_guard lock(mutex_);
  for (const auto& [key, report] : taken) {
    const auto [entry, fresh] = noted_.try_emplace(key, report);
    if (!fresh) add_report(entry->second, report);
  }
}

Task<> TlsLedger::sweep() {
  const std::string oldest = key_of(day_text(clock_.now() - ledger_kept), "");
  for (std::string after;;) {
    RowsQuestion question{ledger_key_prefix, after};
    const std::vector<std::string> keys = co_await store_.read(std::move(question));
    storage::Unit unit;
    for (const std::string& key : keys)
      if (key < oldest) unit.mutations.emplace_back(storage::PutSetting{key, ""});
    const bool all_old = unit.mutations.size() == page;
    if (!unit.mutations.empty()) store_.commit_later(std::move(unit));
    if (!all_old) co_return;
    after = keys.back();
  }
}

Task<std::optional<tls_rpt::Report>> tls_day(storage::Store& store, std::string day, std::string domain) {
  RowQuestion question{key_of(day, domain)};
  const std::string row = co_await store.read(std::move(question));
  if (row.empty()) co_return std::nullopt;
  auto report = tls_rpt::parse_report(row);
  if (!report) co_return std::nullopt;
  co_return std::move(*report);
}

Task<std::vector<std::string>> tls_domains(storage::Store& store, std::string day) {
  std::vector<std::string> domains;
  const std::string prefix = key_of(day, "");
  for (std::string after;;) {
    RowsQuestion question{prefix, after};
    const std::vector<std::string> keys = co_await store.read(std::move(question));
    for (const std::string& key : keys) domains.push_back(key.substr(prefix.size()));
    if (keys.size() < page) co_return domains;
    after = keys.back();
  }
}

}  // namespace posthorn::relay
