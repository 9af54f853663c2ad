// What a plan wants, against the records of the world: merged SPF, a policy that is not weakened, others' records kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/transition/record_format.h"
#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(Wanted, ANewDomainGetsEverythingMailNeeds) {
  const Road road = plan_road(situation_here(""));
  EXPECT_EQ(wanted(road, domains::Purpose::mx)->data, "10 mail.a.example.");
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "a.example"), "v=spf1 mx ~all");
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "mail.a.example"), "v=spf1 a -all");
  EXPECT_EQ(wanted_text(road, domains::Purpose::dmarc), "v=DMARC1; p=none; rua=mailto:postmaster@a.example");
  EXPECT_THAT(wanted_text(road, domains::Purpose::tls_rpt), HasSubstr("rua=mailto:postmaster@a.example"));
  EXPECT_EQ(wanted(road, domains::Purpose::ptr)->owner, domains::Owner::network);
  EXPECT_EQ(wanted(road, domains::Purpose::sts_record), nullptr) << "no policy is served yet";
  EXPECT_EQ(wanted(road, domains::Purpose::tlsa), nullptr) << "the zone is not signed";
  for (const domains::WantedRecord& record : road.wanted.records) EXPECT_FALSE(record.reason.empty());
  EXPECT_EQ(road.problem, "");
}

TEST(Wanted, SpfIsMergedIntoWhatIsThere) {
  Situation s =
      situation_here("a.example. TXT \"google-site-verification=x\"\na.example. TXT \"v=spf1 include:x.example -all\"");
  const Road road = plan_road(s);
  const domains::WantedRecord* record = wanted(road, domains::Purpose::spf, "a.example");
  EXPECT_EQ(domains::txt_text(record->data), "v=spf1 include:x.example mx -all");
  EXPECT_THAT(record->replaces, testing::ElementsAre("\"v=spf1 include:x.example -all\""));
  ASSERT_EQ(road.foreign.size(), 1u);
  EXPECT_EQ(domains::txt_text(road.foreign[0].data), "google-site-verification=x");
  for (const Step& one : road.steps)
    for (const RecordChange& change : one.changes) EXPECT_THAT(change.data, Not(HasSubstr("google-site")));
}

TEST(Wanted, TheSpfRecordThatSaysItAllStaysAsItIs) {
  const Road road = plan_road(situation_here("a.example. TXT \"v=spf1  MX   include:x.example ?all\""));
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "a.example"), "v=spf1  MX   include:x.example ?all");
  EXPECT_TRUE(wanted(road, domains::Purpose::spf, "a.example")->replaces.empty());
}

TEST(Wanted, BrokenSpfOfTheSourceDocumentsIsMended) {
  // Seed 2.4: typographic quotes, a value never filled in, no `all`.
  const Road road = plan_road(
      situation_here("a.example. TXT \"\xe2\x80\x9cv=spf1 ip4:xx.xx.xx.xx include:spf.example.com\xe2\x80\x9d\""));
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "a.example"), "v=spf1 include:spf.example.com mx ~all");
  EXPECT_EQ(wanted(road, domains::Purpose::spf, "a.example")->replaces.size(), 1u);
}

TEST(Wanted, SeveralSpfRecordsBecomeOne) {
  const Road road = plan_road(situation_here(
      "a.example. TXT \"v=spf1 include:x.example ~all\"\na.example. TXT \"v=spf1 include:y.example -all\""));
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "a.example"),
            "v=spf1 include:x.example include:y.example mx ~all");
  EXPECT_EQ(wanted(road, domains::Purpose::spf, "a.example")->replaces.size(), 2u);
  EXPECT_EQ(road.wanted.findings.at(0).id, "spf-multiple");
}

TEST(Wanted, ADmarcPolicyIsNeverWeakened) {
  const std::string published = "v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:a@x.example";
  Situation s = situation_here("_dmarc.a.example. TXT \"" + published + "\"");
  EXPECT_EQ(wanted_text(plan_road(s), domains::Purpose::dmarc), published);
  s.model.dmarc.policy = dmarc::Policy::quarantine;
  EXPECT_EQ(wanted_text(plan_road(s), domains::Purpose::dmarc), "v=DMARC1; p=quarantine; rua=mailto:a@x.example; fo=1");
  s.model.dmarc.policy.reset();
  s.model.profile = domains::Profile::us_federal;
  EXPECT_THAT(wanted_text(plan_road(s), domains::Purpose::dmarc),
              HasSubstr("rua=mailto:a@x.example,mailto:reports@dmarc.cyber.dhs.gov"));
}

TEST(Wanted, EnforcingWantsReject) {
  Situation s = situation_here("");
  s.model.state = domains::State::enforcing;
  EXPECT_THAT(wanted_text(plan_road(s), domains::Purpose::dmarc), HasSubstr("p=reject"));
}

Situation situation_of_login_gov() {
  const std::string text =
      "login.gov. 300 MX 10 aspmx.l.google.com.\nlogin.gov. 300 MX 20 alt1.aspmx.l.google.com.\n"
      "login.gov. 300 TXT \"v=spf1 include:amazonses.com include:_spf.google.com ~all\"\n"
      "_smtp._tls.login.gov. 3600 TXT \"v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov\"\n"
      "_dmarc.login.gov. 3600 TXT \"v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:dmarc-reports@login.gov,"
      "mailto:reports@dmarc.cyber.dhs.gov; ruf=mailto:dmarc-forensics@login.gov\"\n"
      "tok1._domainkey.login.gov. 3600 CNAME tok1.dkim.amazonses.com.\n";
  Situation s = situation_here("");
  s.model = domains::model_of_login_gov();
  s.around.host_name = "mail.elsewhere.example";
  s.published = domains::ask_zone(domains::zone_of(text), s.model, s.around);
  return s;
}

TEST(Wanted, ADomainElsewhereIsLeftAsItsOwnersHaveIt) {
  const Road road = plan_road(situation_of_login_gov());
  for (const Step& one : road.steps) EXPECT_EQ(one.kind, StepKind::by_others) << one.what;
  // Google's key has yet to be given.
  EXPECT_NE(step(road, "waited-for"), nullptr);
  EXPECT_EQ(wanted(road, domains::Purpose::dkim, "google._domainkey.login.gov")->owner, domains::Owner::provider);
}

TEST(Wanted, AKeyThatWasWaitedForIsFoundWhenItIsPublished) {
  Situation s = situation_of_login_gov();
  domains::PublishedSet set;
  set.status = dns::Status::ok;
  set.data = {domains::txt_data("v=DKIM1; k=rsa; p=abc")};
  set.ttl_seconds = 3600;
  s.published.put({*dns::Name::parse("google._domainkey.login.gov"), dns::RecordType::txt}, set);
  const Road road = plan_road(s);
  EXPECT_EQ(step(road, "waited-for"), nullptr);
  EXPECT_EQ(standing(*wanted(road, domains::Purpose::dkim, "google._domainkey.login.gov"), s.published),
            Standing::same);
}

TEST(Wanted, AReturnPathHasItsOwnSpfAndMx) {
  Situation s = situation_of_login_gov();
  ASSERT_FALSE(s.model.streams.empty());
  auto& product = s.model.streams.back();
  ASSERT_EQ(product.provider, "ses");
  product.return_path_subdomain = "bounces";
  Road road = plan_road(s);
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "bounces.login.gov"), "v=spf1 include:amazonses.com -all");
  const domains::WantedRecord* mx = wanted(road, domains::Purpose::extra, "bounces.login.gov");
  ASSERT_NE(mx, nullptr);
  EXPECT_TRUE(mx->waited_for());
  EXPECT_NE(mx->reason.find("feedback-smtp.REGION"), std::string::npos);
  // Looked for again: once somebody has published it, it is what is wanted.
  domains::PublishedSet set;
  set.status = dns::Status::ok;
  set.data = {"10 feedback-smtp.us-west-2.amazonses.com."};
  set.ttl_seconds = 3600;
  s.published.put({*dns::Name::parse("bounces.login.gov"), dns::RecordType::mx}, set);
  road = plan_road(s);
  EXPECT_EQ(wanted(road, domains::Purpose::extra, "bounces.login.gov")->data, set.data[0]);
  product.provider = "mailgun";
  s.published = {};
  road = plan_road(s);
  EXPECT_EQ(wanted(road, domains::Purpose::extra, "bounces.login.gov")->data, "10 mxa.mailgun.org.");
}

TEST(Wanted, TheDefensiveSetIsWhole) {
  Situation s = situation_here(
      "a.example. MX 10 mail.a.example.\na.example. TXT \"v=spf1 mx include:x.example ~all\"\n"
      "a.example. TXT \"keep me\"\n_dmarc.a.example. TXT \"v=DMARC1; p=none; "
      "rua=mailto:r@x.example,mailto:p@a.example\"");
  s.model.state = domains::State::parked;
  s.published = domains::ask_zone(
      domains::zone_of("a.example. MX 10 mail.a.example.\na.example. TXT \"v=spf1 mx include:x.example ~all\"\n"
                       "a.example. TXT \"keep me\"\n_dmarc.a.example. TXT \"v=DMARC1; p=none; "
                       "rua=mailto:r@x.example,mailto:p@a.example\""),
      s.model, s.around);
  const Road road = plan_road(s);
  EXPECT_EQ(wanted(road, domains::Purpose::mx)->data, "0 .");
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "a.example"), "v=spf1 -all");
  EXPECT_EQ(wanted_text(road, domains::Purpose::spf, "*.a.example"), "v=spf1 -all");
  EXPECT_EQ(wanted_text(road, domains::Purpose::dkim, "*._domainkey.a.example"), "v=DKIM1; p=");
  EXPECT_EQ(wanted_text(road, domains::Purpose::dmarc),
            "v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; rua=mailto:r@x.example");
  EXPECT_EQ(wanted(road, domains::Purpose::caa)->data, "0 issue \";\"");
  ASSERT_EQ(road.foreign.size(), 1u);
}

TEST(Wanted, AParkedDomainSaysThatItsReportsNeedAnAddressElsewhere) {
  Situation s = situation_here("");
  s.model.state = domains::State::parked;
  Road road = plan_road(s);
  ASSERT_EQ(road.wanted.findings.size(), 1u);
  EXPECT_EQ(road.wanted.findings[0].id, "dmarc-no-rua");
  ASSERT_NE(step(road, "mx"), nullptr);
  EXPECT_EQ(step(road, "mx")->what, "say that nobody takes the domain's mail (null MX)");
  s.around.dmarc_reports = {"mailto:dmarc@reports.example"};
  road = plan_road(s);
  EXPECT_TRUE(road.wanted.findings.empty());
  EXPECT_THAT(wanted_text(road, domains::Purpose::dmarc), HasSubstr("rua=mailto:dmarc@reports.example"));
}

// RFC 4592 2.2.1: a wildcard does not answer at names that exist.
TEST(Wanted, AParkedDomainsPublishedKeysAreRevokedEach) {
  Situation s = situation_here(R"(s1._domainkey.a.example. TXT "v=DKIM1; k=ed25519; p=AAAA")");
  s.model.state = domains::State::parked;
  s.around.keys = {{"s1", "v=DKIM1; k=ed25519; p=AAAA", true, false},
                   {"s2", "v=DKIM1; k=ed25519; p=BBBB", false, false}};
  s.published = domains::ask_zone(domains::zone_of(R"(s1._domainkey.a.example. TXT "v=DKIM1; k=ed25519; p=AAAA")"),
                                  s.model, s.around);
  std::vector<std::string> revoked;
  for (const domains::WantedRecord& record : plan_road(s).wanted.records)
    if (record.purpose == domains::Purpose::dkim) revoked.push_back(record.name.text() + " " + record.data);
  EXPECT_THAT(revoked, testing::UnorderedElementsAre("*._domainkey.a.example \"v=DKIM1; p=\"",
                                                     "s1._domainkey.a.example \"v=DKIM1; p=\""));
}

TEST(Wanted, TlsaOnlyWhereTheZoneIsSigned) {
  Situation s = situation_here("");
  s.around.tlsa = {"3 1 1 " + std::string(64, 'a')};
  s.published =
      domains::ask_zone(domains::zone_of(";; secure a.example\na.example. MX 10 mail.a.example."), s.model, s.around);
  EXPECT_EQ(wanted(plan_road(s), domains::Purpose::tlsa)->name.text(), "_25._tcp.mail.a.example");
}

// ---------------------------------------------------------------- formats

TEST(Formats, TerraformKeepsWhatOthersOwnAndCutsLongTexts) {
  Situation s = situation_here("a.example. TXT \"keep \\\"me\\\"\"");
  const std::string key = "v=DKIM1; k=rsa; p=" + std::string(400, 'A');
  s.around.keys = {{"s1", key, true, false}};
  s.published = domains::ask_zone(domains::zone_of("a.example. TXT \"keep \\\"me\\\"\""), s.model, s.around);
  const std::string text = terraform_format(record_sets(plan_road(s)), "a.example");
  EXPECT_THAT(text, HasSubstr("resource \"aws_route53_record\" \"a_example_txt\" {"));
  // Route 53 replaces whole sets: both texts stand in one resource.
  EXPECT_THAT(text, HasSubstr("    \"v=spf1 mx ~all\",\n    \"keep \\\\\\\"me\\\\\\\"\",\n"));
  EXPECT_THAT(text, HasSubstr(key.substr(0, 255) + "\\\"\\\"" + key.substr(255)));
  EXPECT_THAT(text, Not(HasSubstr("in-addr.arpa")));
}

TEST(Formats, ZoneTextReadsBackToTheSameRecords) {
  const Road road = plan_road(situation_here(""));
  const dns::Zone zone = domains::zone_of(zone_format(record_sets(road)));
  std::size_t wanted_here = 0;
  for (const domains::WantedRecord& record : road.wanted.records)
    wanted_here += record.owner == domains::Owner::domain ? 1 : 0;
  EXPECT_EQ(zone.records().size(), wanted_here);
}

}  // namespace
}  // namespace posthorn::transition
