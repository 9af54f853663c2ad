// domain check over zones in memory: a correct domain of each kind has no warning, and each planted fault is found.
#include "operations/inspection/check.h"

#include <gmock/gmock.h>

#include "platform/runtime/loops.h"

namespace posthorn::inspection {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kHere = R"($TTL 3600
alpha.example. SOA ns.alpha.example. root.alpha.example. 7 3600 600 86400 300
alpha.example. NS ns.alpha.example.
ns.alpha.example. A 192.0.2.53
alpha.example. MX 10 mx.alpha.example.
mx.alpha.example. A 192.0.2.25
25.2.0.192.in-addr.arpa. PTR mx.alpha.example.
alpha.example. TXT "v=spf1 mx ~all"
s1._domainkey.alpha.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_dmarc.alpha.example. TXT "v=DMARC1; p=quarantine; rua=mailto:reports@alpha.example"
_smtp._tls.alpha.example. TXT "v=TLSRPTv1; rua=mailto:tls@alpha.example"
)";

constexpr std::string_view kParked = R"($TTL 3600
parked.example. MX 0 .
parked.example. TXT "v=spf1 -all"
*.parked.example. TXT "v=spf1 -all"
_dmarc.parked.example. TXT "v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:reports@parked.example"
*._domainkey.parked.example. TXT "v=DKIM1; p="
parked.example. CAA 0 issue ";"
)";

/// What the page of login.gov shows, with the addresses and the other owners' records that it leans on.
constexpr std::string_view kElsewhere = R"($TTL 300
login.gov. MX 10 aspmx.l.google.com.
login.gov. MX 20 alt1.aspmx.l.google.com.
login.gov. MX 20 alt2.aspmx.l.google.com.
login.gov. MX 30 aspmx2.googlemail.com.
login.gov. MX 30 aspmx3.googlemail.com.
login.gov. MX 30 aspmx4.googlemail.com.
login.gov. MX 30 aspmx5.googlemail.com.
aspmx.l.google.com. A 192.0.2.1
alt1.aspmx.l.google.com. A 192.0.2.2
alt2.aspmx.l.google.com. A 192.0.2.3
aspmx2.googlemail.com. A 192.0.2.4
aspmx3.googlemail.com. A 192.0.2.5
aspmx4.googlemail.com. A 192.0.2.6
aspmx5.googlemail.com. A 192.0.2.7
login.gov. TXT "v=spf1 include:amazonses.com include:_spf.google.com ~all"
amazonses.com. TXT "v=spf1 ip4:198.51.100.0/24 -all"
_spf.google.com. TXT "v=spf1 ip4:203.0.113.0/24 ~all"
_dmarc.login.gov. TXT "v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:dmarc-reports@login.gov,mailto:reports@dmarc.cyber.dhs.gov; ruf=mailto:dmarc-forensics@login.gov"
login.gov._report._dmarc.dmarc.cyber.dhs.gov. TXT "v=DMARC1"
token._domainkey.login.gov. CNAME token.dkim.amazonses.com.
token.dkim.amazonses.com. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_mta-sts.login.gov. TXT "v=STSv1; id=59784add0f027f4ce93efbe6bc286e1a"
mta-sts.login.gov. A 192.0.2.80
_smtp._tls.login.gov. TXT "v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov"
)";

Task<> check_into(const dns::Zone& zone, dns::Name domain, Expectation expectation, CheckOptions options,
                  CheckReport& into) {
  const auto source = make_zone_source(zone);
  into = co_await check_domain(*source, std::move(domain), std::move(expectation), std::move(options));
}

CheckReport check(std::string_view text, std::string_view domain, CheckOptions options = {}, Expectation known = {}) {
  const auto zone = dns::Zone::parse(text);
  if (!zone) throw std::runtime_error(zone.error().text());
  CheckReport report;
  runtime::run_to_end([&] { return check_into(*zone, *dns::Name::parse(domain), known, options, report); });
  return report;
}

std::vector<std::string> ids(const CheckReport& report, FindingLevel least = FindingLevel::info) {
  std::vector<std::string> out;
  for (const CheckFinding& found : report.findings)
    if (found.finding.level >= least) out.push_back(found.finding.id);
  return out;
}

std::string edited(std::string_view zone, std::string_view was, std::string_view is) {
  std::string out(zone);
  const auto at = out.find(was);
  EXPECT_NE(at, std::string::npos) << was;
  return out.replace(at, was.size(), is);
}

std::vector<std::string> fault(std::string_view was, std::string_view is) {
  return ids(check(edited(kHere, was, is), "alpha.example"));
}
std::vector<std::string> added(std::string_view line) {
  return ids(check(std::string(kHere) + std::string(line) + "\n", "alpha.example"));
}

TEST(DomainCheck, ACorrectDomainOfEachKindHasNoWarning) {
  EXPECT_THAT(ids(check(kHere, "alpha.example"), FindingLevel::warning), IsEmpty());
  EXPECT_THAT(ids(check(kParked, "parked.example"), FindingLevel::warning), IsEmpty());
  EXPECT_THAT(ids(check(kElsewhere, "login.gov"), FindingLevel::warning), IsEmpty());
}

TEST(DomainCheck, LoginGovIsReadAsItsPageDescribesIt) {
  const CheckReport report = check(kElsewhere, "login.gov");
  EXPECT_EQ(report.spf_lookups, 2u);
  EXPECT_EQ(report.spf_tree.size(), 3u);
  EXPECT_EQ(report.mx.size(), 7u);
  EXPECT_THAT(ids(report), Contains("dmarc-removed-tag"));
  EXPECT_THAT(ids(report), Contains("dnssec-unsigned"));
  EXPECT_THAT(ids(report), Not(Contains("ptr-missing")));  // Google's addresses are Google's business
}

TEST(DomainCheck, FindsFaultsOfMx) {
  EXPECT_THAT(fault("alpha.example. MX 10 mx.alpha.example.\n", ""), Contains("mx-missing"));
  EXPECT_THAT(added("alpha.example. MX 0 ."), Contains("mx-null-mixed"));
  EXPECT_THAT(added("alpha.example. MX 20 192.0.2.9."), Contains("mx-address-literal"));
  EXPECT_THAT(added("alpha.example. MX 20 gone.alpha.example."), Contains("mx-unresolvable"));
  EXPECT_THAT(added("alpha.example. MX 20 www.alpha.example.\nwww.alpha.example. CNAME mx.alpha.example."),
              Contains("mx-cname"));
  EXPECT_THAT(ids(check(kHere, "alpha.example")), Contains("mx-single"));
  EXPECT_THAT(fault("PTR mx.alpha.example.", "PTR other.example."), Contains("ptr-mismatch"));
  EXPECT_THAT(fault("25.2.0.192.in-addr.arpa. PTR mx.alpha.example.\n", ""), Contains("ptr-missing"));
}

TEST(DomainCheck, FindsFaultsOfSpf) {
  constexpr std::string_view record = "\"v=spf1 mx ~all\"";
  const auto spf = [&](std::string_view is) { return fault(record, is); };
  EXPECT_THAT(fault("alpha.example. TXT \"v=spf1 mx ~all\"\n", ""), Contains("spf-missing"));
  EXPECT_THAT(added("alpha.example. TXT \"v=spf1 a ~all\""), Contains("spf-multiple"));
  EXPECT_THAT(spf("\"v=spf1 mxx ~all\""), Contains("spf-syntax"));
  EXPECT_THAT(spf("\"v=spf1 mx\""), Contains("spf-no-all"));
  EXPECT_THAT(spf("\"v=spf1 +all\""), Contains("spf-plus-all"));
  EXPECT_THAT(spf("\"v=spf1 mx ip4:192.168.20.25 ~all\""), Contains("spf-private-address"));
  EXPECT_THAT(spf("\"v=spf1 mx include:none.example ~all\""), Contains("spf-include-missing"));
  EXPECT_THAT(spf("\"v=spf1 ptr ~all\""), Contains("spf-ptr"));
  EXPECT_THAT(spf("\"v=spf1 ip4:xx.xx.xx.xx ~all\""), Contains("spf-placeholder"));
  EXPECT_THAT(spf("\"v=spf1 a:x.example a:y.example a:z.example ~all\""), Contains("spf-void-lookups"));
}

TEST(DomainCheck, PrivateAddressesThatAreMeantAreNoWarning) {
  Expectation known;
  known.allow_private = true;
  const auto zone = edited(kHere, "\"v=spf1 mx ~all\"", "\"v=spf1 mx ip4:127.0.0.2 ~all\"");
  EXPECT_THAT(ids(check(zone, "alpha.example", {}, known), FindingLevel::warning), IsEmpty());
}

TEST(DomainCheck, FindsFaultsOfDkim) {
  constexpr std::string_view key = "\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
  const auto dkim = [&](std::string_view is) { return fault(key, is); };
  EXPECT_THAT(ids(check(kHere, "alpha.example", {.selectors = {"s2"}})), Contains("dkim-missing"));
  EXPECT_THAT(ids(check(edited(kHere, key, "\"v=DKIM1; p=\""), "alpha.example", {.selectors = {"s1"}})),
              Contains("dkim-revoked"));
  EXPECT_THAT(dkim("\"v=DKIM1; p=example\""), Contains("dkim-key-syntax"));
  EXPECT_THAT(dkim("\"v=DKIM1, k=ed25519, p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\""),
              Contains("separator-comma"));
  EXPECT_THAT(dkim("\"v=DKIM1; t=y; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\""),
              Contains("dkim-testing"));
  EXPECT_THAT(dkim("\"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" \"v=DKIM1; k=ed25519; \""),
              Contains("dkim-string-split"));
  Expectation known;
  known.around.keys = {{"s1", "v=DKIM1; k=ed25519; p=O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=", true, false}};
  EXPECT_THAT(ids(check(kHere, "alpha.example", {}, known)), Contains("dkim-key-differs"));
}

TEST(DomainCheck, FindsFaultsOfDmarcAndReports) {
  constexpr std::string_view record = "\"v=DMARC1; p=quarantine; rua=mailto:reports@alpha.example\"";
  const auto dmarc = [&](std::string_view is) { return fault(record, is); };
  EXPECT_THAT(fault("_dmarc.alpha.example. TXT \"v=DMARC1; p=quarantine; rua=mailto:reports@alpha.example\"\n", ""),
              Contains("dmarc-missing"));
  EXPECT_THAT(added("_dmarc.alpha.example. TXT \"v=DMARC1; p=none\""), Contains("dmarc-multiple"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=rejekt; x=1\""), Contains("dmarc-syntax"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=none; rua=mailto:a@alpha.example\""), Contains("dmarc-none"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=quarantine\""), Contains("dmarc-no-rua"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=reject\""), Contains("dmarc-reject-untested"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=quarantine; rua=mailto:a@other.test\""), Contains("dmarc-external-unauthorized"));
  EXPECT_THAT(dmarc("\"v=DMARC1; p=quarantine; p=none; rua=mailto:a@alpha.example\""), Contains("tag-duplicate"));
  EXPECT_THAT(dmarc("\"\\226\\128\\156v=DMARC1; p=none; rua=mailto:a@alpha.example\\226\\128\\157\""),
              Contains("quotes-typographic"));
}

TEST(DomainCheck, FindsFaultsOfTransportPolicies) {
  EXPECT_THAT(ids(check(kHere, "alpha.example")), Contains("sts-missing"));
  EXPECT_THAT(added("_mta-sts.alpha.example. TXT \"v=STSv1; id=\""), Contains("sts-txt-syntax"));
  EXPECT_THAT(added("_mta-sts.alpha.example. TXT \"v=STSv1; id=1;\"\n_mta-sts.alpha.example. TXT \"v=STSv1; id=2;\""),
              Contains("sts-txt-multiple"));
  EXPECT_THAT(added("_mta-sts.alpha.example. TXT \"v=STSv1; id=1;\""), Contains("sts-policy-unreachable"));
  EXPECT_THAT(fault("_smtp._tls.alpha.example. TXT \"v=TLSRPTv1; rua=mailto:tls@alpha.example\"\n", ""),
              Contains("tlsrpt-missing"));
  EXPECT_THAT(fault("\"v=TLSRPTv1; rua=mailto:tls@alpha.example\"", "\"v=TLSRPTv1;,\""), Contains("tlsrpt-syntax"));
  EXPECT_THAT(added("_smtp._tls.alpha.example. TXT \"v=TLSRPTv1; rua=mailto:b@alpha.example\""),
              Contains("tlsrpt-multiple"));
  EXPECT_THAT(added("_25._tcp.mx.alpha.example. TLSA 3 1 1 "
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
              Contains("tlsa-unsigned"));
}

TEST(DomainCheck, FindsWhatIsWrongAroundTheRecords) {
  EXPECT_THAT(added("_domainkey.alpha.example. NS ns.supplier.example."), Contains("ns-delegated"));
  EXPECT_THAT(added("*.alpha.example. TXT \"hello\""), Contains("wildcard-answers"));
  EXPECT_THAT(added("s2._domainkey.alpha.example. CNAME s2.gone.example."), Contains("alias-dangling"));
  EXPECT_THAT(added(";; timeout _dmarc.alpha.example TXT"), Not(Contains("dmarc-missing")));
  EXPECT_THAT(ids(check(edited(kHere, "_dmarc.alpha.example. TXT", ";; servfail _dmarc.alpha.example TXT\n; TXT"),
                        "alpha.example")),
              Contains("ns-unreachable"));
  EXPECT_THAT(ids(check(edited(kHere, "_dmarc.alpha.example. TXT", ";; bogus _dmarc.alpha.example TXT\n; TXT"),
                        "alpha.example")),
              Contains("dnssec-bogus"));
  const auto open = edited(kHere, "_dmarc.alpha.example. TXT", "; TXT");
  EXPECT_THAT(ids(check(open, "alpha.example")), Contains("subdomain-unprotected"));
  Expectation known;
  known.authority = "letsencrypt.org";
  EXPECT_THAT(
      ids(check(std::string(kHere) + "alpha.example. CAA 0 issue \"digicert.com\"\n", "alpha.example", {}, known)),
      Contains("caa-forbids"));
}

TEST(DomainCheck, AParkedDomainLacksEachPartByName) {
  for (const std::string_view part : {"MX 0 .", "p=reject", "*._domainkey", "issue \";\""}) {
    const std::string zone = edited(kParked, part,
                                    part == "MX 0 ."         ? "TXT \"x\""
                                    : part == "p=reject"     ? "p=none"
                                    : part == "*._domainkey" ? "x._domainkey"
                                                             : "issue \"a.example\"");
    const CheckReport report = check(zone, "parked.example", {.parked = true});
    EXPECT_THAT(ids(report), Contains("parked-incomplete")) << part;
  }
}

TEST(DomainCheck, ACorrectionIsALineThatMends) {
  const CheckReport broken = check(edited(kHere, "~all", "+all"), "alpha.example");
  const auto found =
      std::ranges::find(broken.findings, std::string("spf-plus-all"), [](const auto& f) { return f.finding.id; });
  ASSERT_NE(found, broken.findings.end());
  EXPECT_EQ(found->name, "alpha.example");
  ASSERT_EQ(found->authoritative.size(), 1u);
  EXPECT_THAT(found->authoritative[0].answer, HasSubstr("+all"));
  EXPECT_EQ(found->authoritative[0].serial, 7u);
  const std::string mended = edited(kHere, "alpha.example. TXT \"v=spf1 mx ~all\"", found->finding.correction);
  EXPECT_THAT(ids(check(mended, "alpha.example"), FindingLevel::warning), IsEmpty());
}

}  // namespace
}  // namespace posthorn::inspection
