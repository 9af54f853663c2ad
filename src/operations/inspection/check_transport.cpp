// MTA-STS and TLS-RPT as published and as served, and the certificate authorities that may issue.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/domains/record_data.h"
#include "operations/domains/wanted.h"
#include "operations/inspection/check_work.h"
#include "standards/tls_rpt/record.h"

namespace posthorn::inspection {
namespace {

std::vector<std::string> mx_names(const CheckWork& work) {
  std::vector<std::string> names;
  for (const dns::Mx& mx : work.mx) names.push_back(mx.exchange.text());
  return names;
}

dns::Name sts_name(const CheckWork& work) {
  return below(work.domain, "_mta-sts");
}

/// The host of the policy file, asked for where there is a record: it must have an address.
Task<> judge_policy_host(CheckWork& work) {
  const dns::Name host = below(work.domain, "mta-sts");
  bool there = false, definite = true;
  for (const dns::RecordType type : {dns::RecordType::a, dns::RecordType::aaaa}) {
    const Published* const published = co_await work.ask(host, type);
    const dns::Answer* const answer = published->value();
    if (answer == nullptr || !dns::is_definite(answer->status()))
      definite = false;
    else
      there |= answer->status() == dns::Status::ok;
  }
  if (!there && definite)
    work.add("sts-policy-unreachable", FindingLevel::error,
             fmt::format("{} has no address: senders cannot fetch the policy that the record announces", host.text()),
             fmt::format("{}. IN A ADDRESS (or a CNAME to the host that serves the policy)", host.text()), host,
             dns::RecordType::a);
}

bool senders_may_hold(const CheckWork& work, TimePoint& until) {
  const auto held = work.expectation.policies.held_until(work.options.now);
  if (!held || *held <= work.options.now) return false;
  until = *held;
  return true;
}

void judge_removal(CheckWork& work, bool record_gone, bool file_gone) {
  TimePoint until;
  if ((!record_gone && !file_gone) || !senders_may_hold(work, until)) return;
  const domains::PolicyEntry* const current = work.expectation.policies.current();
  work.add("sts-removed-early", FindingLevel::error,
           fmt::format("{} is gone, and senders may hold an earlier policy until {}",
                       record_gone ? "the _mta-sts record" : "the policy file", rfc3339(until)),
           current == nullptr ? std::string{} : txt_line(sts_name(work), mta_sts::record_text({current->id}), 300),
           sts_name(work));
}

/// RFC 8461 3.1: senders fetch anew when the id is new; ours is computed from the file.
void judge_id(CheckWork& work, const PolicyProbe& probe) {
  const auto& model = work.expectation.model;
  if (!model || !model->sts || !model->sts_hosted_here || probe.record.state != mta_sts::RecordState::found) return;
  std::string right;
  if (probe.fetch && probe.fetch->is_usable())
    right = mta_sts::policy_id(probe.fetch->body);
  else if (const domains::PolicyEntry* const current = work.expectation.policies.current())
    right = current->id;
  if (right.empty() || right == probe.record.record.id) return;
  work.add("sts-id-stale", FindingLevel::error,
           fmt::format("the record's id {} is not that of the file ({}): senders keep what they have",
                       probe.record.record.id, right),
           txt_line(sts_name(work), mta_sts::record_text({right}), 300), sts_name(work));
}

/// A file that names the hosts there are and blocks nothing: where a review has nothing to mend a file by.
std::string careful_policy(const CheckWork& work) {
  mta_sts::Policy policy;
  policy.mode = mta_sts::Mode::testing;
  policy.max_age_seconds = 86400;
  for (const std::string& host : mx_names(work))
    if (auto pattern = mta_sts::MxPattern::parse(host)) policy.mx.push_back(std::move(*pattern));
  return mta_sts::policy_text(policy);
}

/// The MX gate keeps hosts in the policy before and after they are MX: those that the plan wants, and those whose MX
/// records a cache may still hold.
bool is_meant(const CheckWork& work, const PolicyProbe& probe, const Finding& extra) {
  if (!work.expectation.model || !probe.fetch) return false;
  std::vector<std::string> hosts;
  for (const domains::MxHost& mx : domains::mx_hosts_of(*work.expectation.model, work.expectation.around))
    hosts.push_back(mx.host);
  for (const domains::LedgerRow& row : work.expectation.ledger.rows) {
    const auto until = row.cached_until();
    if (row.type != dns::RecordType::mx || row.name != work.domain || (until && *until <= work.options.now)) continue;
    const auto data = domains::parse_data(row.type, row.data);
    if (const auto* mx = data ? std::get_if<dns::Mx>(&*data) : nullptr) hosts.push_back(mx->exchange.text());
  }
  const auto& patterns = probe.fetch->review.policy.mx;
  return std::ranges::any_of(patterns, [&](const mta_sts::MxPattern& pattern) {
    return extra.reason.contains(" " + pattern.text() + ",") &&
           std::ranges::any_of(hosts, [&](const std::string& host) { return pattern.matches(host); });
  });
}

Task<> check_sts(CheckWork& work) {
  PolicyProbe probe;
  probe.domain = work.domain;
  if (work.options.probes != nullptr)
    probe = co_await work.options.probes->policy(work.resolver(), work.domain);
  else
    probe.record = co_await mta_sts::find_record(work.resolver(), work.domain);
  const bool gone = probe.record.state == mta_sts::RecordState::absent;
  const bool file_gone = probe.fetch && (probe.fetch->status == 404 || probe.fetch->status == 410);
  judge_removal(work, gone, file_gone);
  Findings findings = findings_of(probe, mx_names(work));
  for (Finding& finding : findings)
    if (finding.correction.empty() &&
        (finding.id == "sts-policy-syntax" || finding.id == "sts-mode-unknown" || finding.id == "sts-mx-extra"))
      finding.correction = careful_policy(work);
  // What the gate keeps in the policy is meant: a host that comes, and one that caches still lead to.
  std::erase_if(findings, [&](const Finding& f) { return f.id == "sts-mx-extra" && is_meant(work, probe, f); });
  // Who takes no mail needs no policy for it.
  if (work.takes_no_mail || work.is_parked)
    std::erase_if(findings, [](const Finding& f) { return f.id == "sts-missing"; });
  work.add_txt(findings, sts_name(work));
  if (!gone && !work.takes_no_mail) co_await judge_policy_host(work);
  judge_id(work, probe);
  work.report.policy = std::move(probe);
}

/// One record for what there is: every address that reports can go to, else who should read them.
tls_rpt::Record one_record(const tls_rpt::RecordLookup& lookup, const std::vector<std::string>& readers) {
  tls_rpt::Record out;
  for (const std::string& text : lookup.texts) {
    const auto record = tls_rpt::parse_record(text);
    if (!record) continue;
    for (const std::string& uri : record->rua)
      if (std::ranges::find(out.rua, uri) == out.rua.end()) out.rua.push_back(uri);
  }
  if (out.rua.empty()) out.rua = readers;
  return out;
}

Task<> check_tls_reports(CheckWork& work) {
  const tls_rpt::RecordLookup lookup = co_await tls_rpt::find_record(work.resolver(), work.domain);
  Findings findings = tls_rpt::findings_of(lookup, work.domain);
  const std::vector<std::string> readers = work.tls_readers();
  for (Finding& finding : findings) {
    const bool has_record = text::istarts_with(finding.correction, "v=");
    if (has_record || readers.empty() || !finding.id.starts_with("tlsrpt-")) continue;
    finding.correction = tls_rpt::record_text(one_record(lookup, readers));
  }
  if (work.takes_no_mail || work.is_parked)
    std::erase_if(findings, [](const Finding& f) { return f.id == "tlsrpt-missing"; });
  work.add_txt(findings, below(work.domain, "_smtp._tls"));
}

/// What authorities call themselves in certificates, and in CAA records (their CPS).
struct Authority {
  std::string_view issuer, domain;
};
constexpr std::array kAuthorities{Authority{"Let's Encrypt", "letsencrypt.org"},
                                  Authority{"Google Trust Services", "pki.goog"},
                                  Authority{"DigiCert", "digicert.com"},
                                  Authority{"Sectigo", "sectigo.com"},
                                  Authority{"ZeroSSL", "sectigo.com"},
                                  Authority{"GlobalSign", "globalsign.com"},
                                  Authority{"Amazon", "amazon.com"},
                                  Authority{"Buypass", "buypass.com"},
                                  Authority{"Actalis", "actalis.it"},
                                  Authority{"HARICA", "harica.gr"}};

std::vector<std::string> authorities_in_use(const CheckWork& work) {
  std::vector<std::string> used;
  if (!work.expectation.authority.empty()) used.push_back(work.expectation.authority);
  if (work.expectation.model && !work.is_parked)
    used.insert(used.end(), work.expectation.model->caa.begin(), work.expectation.model->caa.end());
  for (const std::string& issuer : work.issuers)
    for (const Authority& authority : kAuthorities)
      if (issuer.contains(authority.issuer)) used.emplace_back(authority.domain);
  std::ranges::sort(used);
  const auto repeated = std::ranges::unique(used);
  used.erase(repeated.begin(), repeated.end());
  return used;
}

}  // namespace

Task<> check_transport(CheckWork& work) {
  co_await check_sts(work);
  co_await check_tls_reports(work);
}

Task<> check_authorities(CheckWork& work) {
  const Published* const published = co_await work.ask(work.domain, dns::RecordType::caa);
  const dns::Answer* const answer = published->value();
  if (answer == nullptr || answer->status() != dns::Status::ok) co_return;
  std::vector<std::string> allowed;
  bool restricts = false;
  for (const dns::Caa* caa : answer->all<dns::Caa>()) {
    // RFC 8659 4.2: without an issue property nobody is kept out; issuewild is about wildcards alone.
    if (!text::iequals(caa->tag, "issue")) continue;
    restricts = true;
    allowed.push_back(text::lower(text::trim(std::string_view(caa->value).substr(0, caa->value.find(';')))));
  }
  if (!restricts) co_return;
  for (const std::string& authority : authorities_in_use(work)) {
    if (std::ranges::find(allowed, text::lower(authority)) != allowed.end()) continue;
    work.add("caa-forbids", FindingLevel::error,
             fmt::format("the CAA records do not name {}, whose certificates are in use: the next one is refused",
                         authority),
             record_line(work.domain, dns::RecordType::caa, fmt::format("0 issue \"{}\"", authority)), work.domain,
             dns::RecordType::caa);
  }
}

}  // namespace posthorn::inspection
