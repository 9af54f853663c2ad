// check_domain on domains that are right, one of each kind: nothing of warning or error is found; a parked domain lacks
// each part of the defensive set by name; and the questions stay within their budget.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/inspection/check_bed.h"

namespace posthorn::inspection {
namespace {

using testing::HasSubstr;

TEST(CheckKinds, ACorrectDomainHereHasNoFaults) {
  BedProbes probes;
  const CheckReport report =
      check_zone(good_zone, ours(), {.now = {}, .selectors = {}, .subdomains = {}, .probes = &probes});
  EXPECT_EQ(listed(report, FindingLevel::warning), "");
  EXPECT_EQ(report.kind, DomainKind::here);
  EXPECT_EQ(report.state, "testing");
  EXPECT_EQ(report.dnssec, "signed");
}

TEST(CheckKinds, ACorrectDomainOfAStrangerHasNoFaults) {
  EXPECT_EQ(listed(check_zone(good_zone), FindingLevel::warning), "");
}

/// What is published by the plan is what the check wants.
TEST(CheckKinds, TheRecordsOfThePlanHaveNoFaults) {
  const Expectation expected = ours();
  const domains::Wanted wanted = domains::wanted_records(
      *expected.model, expected.around, domains::ask_zone(domains::zone_of(""), *expected.model, expected.around),
      expected.policies.current()->id);
  std::string zone = "mail.a.example. 3600 A 192.0.2.1\n";
  for (const domains::WantedRecord& record : wanted.records)
    zone += record.name.text() + ". " + std::to_string(record.ttl_seconds) + " " + std::string(dns::text(record.type)) +
            " " + record.data + "\n";
  const CheckReport report = check_zone(zone, expected);
  EXPECT_EQ(listed(report, FindingLevel::warning), "") << zone;
  EXPECT_EQ(finding(report, "ttl-differs"), nullptr);
  EXPECT_EQ(finding(report, "record-foreign"), nullptr);
}

/// The domain of the first source document: people at Gmail, product mail through SES.
const std::string login_zone =
    "login.gov. 300 SOA ns1.login.gov. hostmaster.login.gov. 1 7200 3600 1209600 300\n"
    "login.gov. 3600 MX 10 aspmx.l.google.com.\n"
    "login.gov. 3600 MX 20 alt1.aspmx.l.google.com.\n"
    "login.gov. 3600 MX 20 alt2.aspmx.l.google.com.\n"
    "login.gov. 3600 MX 30 aspmx2.googlemail.com.\n"
    "login.gov. 3600 MX 30 aspmx3.googlemail.com.\n"
    "login.gov. 3600 MX 30 aspmx4.googlemail.com.\n"
    "login.gov. 3600 MX 30 aspmx5.googlemail.com.\n"
    "login.gov. 3600 TXT \"v=spf1 include:amazonses.com include:_spf.google.com ~all\"\n"
    "login.gov. 3600 A 198.51.100.7\n"
    "_mta-sts.login.gov. 300 TXT \"v=STSv1; id=59784add0f027f4ce93efbe6bc286e1a\"\n"
    "mta-sts.login.gov. 300 A 198.51.100.8\n"
    "_smtp._tls.login.gov. 3600 TXT \"v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov\"\n"
    "_dmarc.login.gov. 3600 TXT \"v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:dmarc-reports@login.gov,"
    "mailto:reports@dmarc.cyber.dhs.gov; ruf=mailto:dmarc-forensics@login.gov\"\n"
    "login.gov._report._dmarc.dmarc.cyber.dhs.gov. 3600 TXT \"v=DMARC1\"\n"
    "*._report._dmarc.dmarc.cyber.dhs.gov. 3600 TXT \"v=DMARC1\"\n"
    "google._domainkey.login.gov. 3600 TXT \"" +
    std::string(good_key) +
    "\"\n"
    "tok1._domainkey.login.gov. 3600 CNAME tok1.dkim.amazonses.com.\n"
    "tok1.dkim.amazonses.com. 3600 TXT \"" +
    std::string(good_key) +
    "\"\n"
    "aspmx.l.google.com. 300 A 198.51.100.20\n"
    "*.aspmx.l.google.com. 300 A 198.51.100.21\n"
    "*.googlemail.com. 300 A 198.51.100.22\n"
    "amazonses.com. 300 TXT \"v=spf1 ip4:198.51.100.32/28 -all\"\n"
    "_spf.google.com. 300 TXT \"v=spf1 ip4:198.51.100.64/28 ~all\"\n";

Expectation login_gov() {
  Expectation out;
  domains::Model& model = out.model.emplace();
  model.domain = "login.gov";
  model.state = domains::State::enforcing;
  model.profile = domains::Profile::us_federal;
  model.inbound = {domains::InboundSide::provider,
                   "google",
                   {{10, "aspmx.l.google.com"},
                    {20, "alt1.aspmx.l.google.com"},
                    {20, "alt2.aspmx.l.google.com"},
                    {30, "aspmx2.googlemail.com"},
                    {30, "aspmx3.googlemail.com"},
                    {30, "aspmx4.googlemail.com"},
                    {30, "aspmx5.googlemail.com"}}};
  model.streams = {{.name = "people",
                    .provider = "google",
                    .spf = {},
                    .dkim = {{"google", domains::DkimKind::txt, std::string(good_key)}},
                    .return_path_subdomain = {}},
                   {.name = "product",
                    .provider = "ses",
                    .spf = {},
                    .dkim = {{"tok1", domains::DkimKind::cname, "tok1.dkim.amazonses.com"}},
                    .return_path_subdomain = {}}};
  model.sts_hosted_here = false;
  out.around.host_name = "mail.elsewhere.example";
  return out;
}

TEST(CheckKinds, ACorrectDomainElsewhereHasNoFaults) {
  const CheckReport report = check_zone(login_zone, login_gov(), {}, "login.gov");
  EXPECT_EQ(listed(report, FindingLevel::warning), "");
  EXPECT_EQ(report.kind, DomainKind::elsewhere);
  EXPECT_EQ(report.spf_lookups, 2u);
  EXPECT_EQ(report.mx.size(), 7u);
  EXPECT_NE(finding(report, "dmarc-removed-tag"), nullptr) << "pct and ri are worth knowing about";
}

TEST(CheckKinds, ACorrectParkedDomainHasNoFaults) {
  Expectation expected = ours();
  expected.model->state = domains::State::parked;
  expected.model->sts.reset();
  expected.policies = {};
  expected.around.keys.clear();
  const CheckReport report = check_zone(parked_zone, expected);
  EXPECT_EQ(listed(report), "");
  EXPECT_EQ(report.kind, DomainKind::parked);
  const CheckOptions as_parked{.now = {}, .selectors = {}, .subdomains = {}, .parked = true};
  EXPECT_EQ(listed(check_zone(parked_zone, {}, as_parked)), "");
}

TEST(CheckKinds, EachRecordOfTheDefensiveSetIsMissedAndMends) {
  const CheckOptions parked{.now = {}, .selectors = {}, .subdomains = {}, .parked = true};
  struct Case {
    std::string_view removed, name, correction;
  };
  for (const Case& one : {Case{"a.example. 3600 MX", "a.example", "a.example. 3600 IN MX 0 ."},
                          Case{"a.example. 3600 TXT", "a.example", "a.example. 3600 IN TXT \"v=spf1 -all\""},
                          Case{"*.a.example", "*.a.example", "*.a.example. 3600 IN TXT \"v=spf1 -all\""},
                          Case{"_dmarc", "_dmarc.a.example", "p=reject"},
                          Case{"*._domainkey", "*._domainkey.a.example", "\"v=DKIM1; p=\""},
                          Case{"a.example. 3600 CAA", "a.example", "CAA 0 issue \";\""}}) {
    SCOPED_TRACE(one.removed);
    const std::string bad = without(parked_zone, one.removed);
    const CheckReport report = check_zone(bad, {}, parked);
    const CheckFinding* const found = finding(report, "parked-incomplete", one.name);
    ASSERT_NE(found, nullptr) << listed(report);
    EXPECT_EQ(found->finding.level, FindingLevel::error);
    EXPECT_THAT(found->finding.correction, HasSubstr(one.correction));
    const CheckReport after = check_zone(bad + found->finding.correction + "\n", {}, parked);
    EXPECT_EQ(finding(after, "parked-incomplete", one.name), nullptr) << listed(after);
  }
}

TEST(CheckKinds, ErrorsComeFirst) {
  const CheckReport report =
      check_zone(without(good_zone, "a.example. 3600 MX") + "a.example. 3600 TXT \"v=spf1 +all\"\n");
  ASSERT_FALSE(report.findings.empty());
  EXPECT_TRUE(report.has_errors());
  EXPECT_TRUE(std::ranges::is_sorted(report.findings, std::ranges::greater{}, [](const CheckFinding& f) {
    return f.finding.level;
  })) << listed(report);
}

/// Reports to a domain that takes no mail reach nobody: another reader is proposed, or none.
TEST(CheckKinds, NobodyIsProposedAsAReaderOfReportsInADomainWithoutMail) {
  const std::string zone = without(parked_zone, "_dmarc");
  for (const bool is_told : {true, false}) {
    const CheckReport report = check_zone(zone + "_dmarc.a.example. 3600 TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n",
                                          {}, {.now = {}, .selectors = {}, .subdomains = {}, .parked = is_told});
    const CheckFinding* const nobody = finding(report, "dmarc-no-rua");
    ASSERT_NE(nobody, nullptr);
    EXPECT_THAT(nobody->finding.correction, testing::Not(HasSubstr("@a.example")));
    EXPECT_THAT(nobody->finding.correction, HasSubstr("domains.dmarc_reports"));
  }
  Expectation organization;
  organization.around.dmarc_reports = {"mailto:dmarc@org.example"};
  const CheckReport report =
      check_zone(zone, organization, {.now = {}, .selectors = {}, .subdomains = {}, .parked = true});
  const CheckFinding* const missing = finding(report, "dmarc-missing");
  ASSERT_NE(missing, nullptr);
  EXPECT_THAT(missing->finding.correction,
              HasSubstr("\"v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:dmarc@org.example\""));
}

TEST(CheckKinds, TlsReportsComeWithTheRecordToPublish) {
  const std::string zone = without(good_zone, "_smtp._tls");
  const auto correction = [&](std::string_view lines, std::string_view id, const Expectation& known) {
    const CheckReport report = check_zone(zone + std::string(lines), known);
    const CheckFinding* const found = finding(report, id);
    return found == nullptr ? std::string("not found") : found->finding.correction;
  };
  const std::string own = "_smtp._tls.a.example. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@a.example\"";
  EXPECT_EQ(correction("", "tlsrpt-missing", {}), own);
  EXPECT_EQ(correction("_smtp._tls.a.example. 3600 TXT \"v=TLSRPTv1; hello\"\n", "tlsrpt-syntax", {}), own);
  Expectation organization;
  organization.around.tls_reports = {"https://reports.example/tls"};
  EXPECT_EQ(correction("", "tlsrpt-missing", organization),
            "_smtp._tls.a.example. 3600 IN TXT \"v=TLSRPTv1; rua=https://reports.example/tls\"");
  const std::string_view two =
      "_smtp._tls.a.example. 3600 TXT \"v=TLSRPTv1; rua=mailto:x@b.example\"\n"
      "_smtp._tls.a.example. 3600 TXT \"v=TLSRPTv1; rua=mailto:y@b.example\"\n";
  EXPECT_THAT(correction(two, "tlsrpt-multiple", {}), HasSubstr("rua=mailto:x@b.example,mailto:y@b.example"));
}

/// The gate keeps a host in the policy before and after it is an MX: what the plan itself wants is no finding.
TEST(CheckKinds, AHostThatThePlanKeepsInThePolicyIsNotTooMany) {
  BedProbes probes;
  probes.fetch.body =
      "version: STSv1\r\nmode: testing\r\nmx: mail.a.example\r\nmx: old.a.example\r\nmax_age: 604800\r\n";
  probes.fetch.review = mta_sts::review_policy(probes.fetch.body);
  const CheckOptions options{.now = {}, .selectors = {}, .subdomains = {}, .probes = &probes};
  EXPECT_NE(finding(check_zone(good_zone, ours(), options), "sts-mx-extra"), nullptr);
  Expectation draining = ours();
  draining.ledger.rows.push_back({*dns::Name::parse("a.example"), dns::RecordType::mx, "10 old.a.example.", 3600,
                                  domains::tests_begin - std::chrono::days(9),
                                  domains::tests_begin - std::chrono::minutes(59), true});
  EXPECT_EQ(finding(check_zone(good_zone, draining, options), "sts-mx-extra"), nullptr);
  draining.ledger.rows.back().removed = domains::tests_begin - std::chrono::minutes(60);
  EXPECT_NE(finding(check_zone(good_zone, draining, options), "sts-mx-extra"), nullptr);
}

// ---------------------------------------------------------------- the budget

void expect_within_budget(const CheckReport& report, unsigned more) {
  EXPECT_EQ(report.questions_allowed, questions_max + more);
  ASSERT_FALSE(report.asked.empty());
  for (const AskedCount& count : report.asked) EXPECT_LE(count.questions, report.questions_allowed) << count.server;
}

TEST(CheckBudget, AStrangersDomainAsksFourteenAndThreeForItsHost) {
  BedSource source({{.name = "ns1", .zone = good_zone}, {.name = "ns2", .zone = good_zone}}, good_zone);
  const CheckReport report = check_source(source);
  EXPECT_EQ(listed(report, FindingLevel::warning), "");
  expect_within_budget(report, 3 + 1 + 1 + 1);  // the host, the SPF tree, the wildcard probe, who reads reports
  for (const AskedCount& count : report.asked) EXPECT_LE(count.questions, questions_max) << count.server;
}

TEST(CheckBudget, OurOwnDomainStaysWithinIt) {
  BedSource source({{.name = "ns1", .zone = good_zone}, {.name = "ns2", .zone = good_zone}}, good_zone);
  BedProbes probes;
  const CheckReport report =
      check_source(source, ours(), {.now = {}, .selectors = {}, .subdomains = {}, .probes = &probes});
  EXPECT_EQ(listed(report, FindingLevel::warning), "");
  expect_within_budget(report, 3 + 1 + 1 + 1);
}

TEST(CheckBudget, FurtherSelectorsAndSubdomainsCostOneEach) {
  BedSource source({{.name = "ns1", .zone = good_zone}}, good_zone);
  CheckOptions options;
  options.selectors = {"s1", "s2", "s3"};
  for (const auto* name : {"one.a.example", "two.a.example"}) options.subdomains.push_back(*dns::Name::parse(name));
  const CheckReport report = check_source(source, {}, options);
  expect_within_budget(report, 3 + 1 + 1 + 1 + 2 + 2);
}

}  // namespace
}  // namespace posthorn::inspection
