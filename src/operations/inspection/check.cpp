#include "operations/inspection/check.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "operations/domains/wanted.h"
#include "operations/inspection/check_work.h"

namespace posthorn::inspection {
namespace {

using Questions = std::vector<std::pair<dns::Name, dns::RecordType>>;

/// The part of the budget that every domain spends, asked at once.
Questions first_questions(const CheckWork& work) {
  const dns::Name& domain = work.domain;
  Questions questions{{domain, dns::RecordType::soa},
                      {domain, dns::RecordType::ns},
                      {domain, dns::RecordType::mx},
                      {domain, dns::RecordType::txt},
                      {domain, dns::RecordType::caa},
                      {below(domain, "_dmarc"), dns::RecordType::txt},
                      {below(domain, "_mta-sts"), dns::RecordType::txt},
                      {below(domain, "_smtp._tls"), dns::RecordType::txt},
                      {below(domain, "_wildcard-probe"), dns::RecordType::txt},
                      {below(domain, "mta-sts"), dns::RecordType::a},
                      {below(domain, "mta-sts"), dns::RecordType::aaaa}};
  for (const KnownSelector& known : known_selectors(work))
    questions.emplace_back(below(domain, known.selector + "._domainkey"), dns::RecordType::txt);
  const auto& model = work.expectation.model;
  if (!model || model->state == domains::State::migrated) return questions;
  for (const domains::RecordQuestion& question : domains::questions_for(*model, work.expectation.around))
    questions.emplace_back(question.name, question.type);
  return questions;
}

Task<> run_judges(CheckWork& work) {
  work.listed = co_await work.session.list();
  co_await work.prefetch(first_questions(work));
  co_await check_mx(work);
  co_await check_spf(work);
  co_await check_dkim(work);
  co_await check_dmarc(work);
  co_await check_transport(work);
  co_await check_authorities(work);
  co_await check_parked(work);
  co_await check_subdomains(work);
  co_await check_wanted(work);
  co_await check_dnssec(work);
  co_await check_servers(work);
}

/// Every question side by side.
void list_records(const CheckWork& work, CheckReport& report) {
  for (const auto& [key, published] : work.all()) {
    CheckedRecord row;
    row.name = published.name.text();
    row.type = dns::text(published.type);
    row.authoritative = said_by(published);
    row.cached = cached_text(published);
    if (published.cached) row.cached_seconds = published.cached->ttl_seconds();
    row.disagree = published.disagree();
    if (published.cache_differs())
      row.old_until = report.checked_at + std::chrono::seconds{published.cached->ttl_seconds()};
    if (const auto wanted = work.wants.find(key); wanted != work.wants.end()) row.wanted = wanted->second;
    report.records.push_back(std::move(row));
  }
}

void count_questions(const CheckSource::Session& session, CheckReport& report) {
  report.asked = session.asked();
  for (const AskedCount& count : report.asked) report.questions += count.questions;
}

/// The zone cannot be asked, or the domain is in no zone.
void nobody_to_ask(CheckReport& report) {
  const bool absent = report.zone.domain_is_absent;
  report.problem = absent ? fmt::format("{} does not exist: its parent zone {} says so", report.domain.text(),
                                        report.zone.zone.text())
                          : report.zone.problem;
  Finding finding{absent ? "mx-missing" : "ns-unreachable", FindingLevel::error, report.problem,
                  absent ? "register the domain and have it delegated" : "ask whoever runs its name servers"};
  report.findings.push_back({std::move(finding), report.domain.text(), {}, {}, std::nullopt, std::nullopt});
}

}  // namespace

std::string_view text(DomainKind kind) {
  switch (kind) {
    case DomainKind::unknown:
      return "unknown";
    case DomainKind::here:
      return "here";
    case DomainKind::elsewhere:
      return "elsewhere";
    case DomainKind::parked:
      return "parked";
  }
  return "";
}

DomainKind Expectation::kind() const {
  if (!model) return DomainKind::unknown;
  if (model->state == domains::State::parked) return DomainKind::parked;
  return model->inbound.side == domains::InboundSide::provider ? DomainKind::elsewhere : DomainKind::here;
}

bool CheckReport::has_errors() const {
  return std::ranges::any_of(findings, [](const CheckFinding& f) { return f.finding.level == FindingLevel::error; });
}

Task<CheckReport> check_domain(CheckSource& source, dns::Name domain, Expectation expectation, CheckOptions options) {
  CheckReport report;
  report.domain = std::move(domain);
  report.kind = options.parked ? DomainKind::parked : expectation.kind();
  if (expectation.model) report.state = text(expectation.model->state);
  report.checked_at = options.now;
  const std::unique_ptr<CheckSource::Session> session = co_await source.open(report.domain);
  report.zone = session->zone();
  const bool absent = report.zone.domain_is_absent && report.zone.zone != report.domain;
  if (absent || !report.zone.problem.empty()) {
    nobody_to_ask(report);
    count_questions(*session, report);
    co_return report;
  }
  CheckWork work(source, *session, expectation, options, report);
  work.is_parked = report.kind == DomainKind::parked;
  co_await run_judges(work);
  std::ranges::sort(report.findings, [](const CheckFinding& a, const CheckFinding& b) {
    if (a.finding.level != b.finding.level) return a.finding.level > b.finding.level;
    return std::tie(a.name, a.finding.id, a.finding.reason) < std::tie(b.name, b.finding.id, b.finding.reason);
  });
  list_records(work, report);
  count_questions(*session, report);
  report.questions_allowed = work.allowed();
  co_return report;
}

}  // namespace posthorn::inspection
