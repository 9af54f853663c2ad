// What a plan wants, against the records of the world: merged SPF, a policy that is not weakened, others' records kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/domains/pasted_records.h"
#include "operations/domains/provider.h"
#include "operations/domains/record_format.h"
#include "operations/domains/road_fixture.h"
#include "standards/spf/record.h"

namespace posthorn::domains {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(Wanted, ANewDomainGetsEverythingMailNeeds) {
  const Road road = plan_road(situation_here(""));
  EXPECT_EQ(wanted(road, Purpose::mx)->data, "10 mail.a.example.");
  EXPECT_EQ(wanted_text(road, Purpose::spf, "a.example"), "v=spf1 mx ~all");
  EXPECT_EQ(wanted_text(road, Purpose::spf, "mail.a.example"), "v=spf1 a -all");
  EXPECT_EQ(wanted_text(road, Purpose::dmarc), "v=DMARC1; p=none; rua=mailto:postmaster@a.example");
  EXPECT_THAT(wanted_text(road, Purpose::tls_rpt), HasSubstr("rua=mailto:postmaster@a.example"));
  EXPECT_EQ(wanted(road, Purpose::ptr)->owner, Owner::network);
  EXPECT_EQ(wanted(road, Purpose::sts_record), nullptr) << "no policy is served yet";
  EXPECT_EQ(wanted(road, Purpose::tlsa), nullptr) << "the zone is not signed";
  for (const WantedRecord& record : road.wanted.records) EXPECT_FALSE(record.reason.empty());
  EXPECT_EQ(road.problem, "");
}

TEST(Wanted, SpfIsMergedIntoWhatIsThere) {
  Situation s =
      situation_here("a.example. TXT \"google-site-verification=x\"\na.example. TXT \"v=spf1 include:x.example -all\"");
  const Road road = plan_road(s);
  const WantedRecord* record = wanted(road, Purpose::spf, "a.example");
  EXPECT_EQ(txt_text(record->data), "v=spf1 include:x.example mx -all");
  EXPECT_THAT(record->replaces, testing::ElementsAre("\"v=spf1 include:x.example -all\""));
  ASSERT_EQ(road.foreign.size(), 1u);
  EXPECT_EQ(txt_text(road.foreign[0].data), "google-site-verification=x");
  for (const Step& one : road.steps)
    for (const RecordChange& change : one.changes) EXPECT_THAT(change.data, Not(HasSubstr("google-site")));
}

TEST(Wanted, TheSpfRecordThatSaysItAllStaysAsItIs) {
  const Road road = plan_road(situation_here("a.example. TXT \"v=spf1  MX   include:x.example ?all\""));
  EXPECT_EQ(wanted_text(road, Purpose::spf, "a.example"), "v=spf1  MX   include:x.example ?all");
  EXPECT_TRUE(wanted(road, Purpose::spf, "a.example")->replaces.empty());
}

TEST(Wanted, BrokenSpfOfTheSourceDocumentsIsMended) {
  // Seed 2.4: typographic quotes, a value never filled in, no `all`.
  const Road road = plan_road(
      situation_here("a.example. TXT \"\xe2\x80\x9cv=spf1 ip4:xx.xx.xx.xx include:spf.example.com\xe2\x80\x9d\""));
  EXPECT_EQ(wanted_text(road, Purpose::spf, "a.example"), "v=spf1 include:spf.example.com mx ~all");
  EXPECT_EQ(wanted(road, Purpose::spf, "a.example")->replaces.size(), 1u);
}

TEST(Wanted, SeveralSpfRecordsBecomeOne) {
  const Road road = plan_road(situation_here(
      "a.example. TXT \"v=spf1 include:x.example ~all\"\na.example. TXT \"v=spf1 include:y.example -all\""));
  EXPECT_EQ(wanted_text(road, Purpose::spf, "a.example"), "v=spf1 include:x.example include:y.example mx ~all");
  EXPECT_EQ(wanted(road, Purpose::spf, "a.example")->replaces.size(), 2u);
  EXPECT_EQ(road.wanted.findings.at(0).id, "spf-multiple");
}

TEST(Wanted, ADmarcPolicyIsNeverWeakened) {
  const std::string published = "v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:a@x.example";
  Situation s = situation_here("_dmarc.a.example. TXT \"" + published + "\"");
  EXPECT_EQ(wanted_text(plan_road(s), Purpose::dmarc), published);
  s.model.dmarc.policy = dmarc::Policy::quarantine;
  EXPECT_EQ(wanted_text(plan_road(s), Purpose::dmarc), "v=DMARC1; p=quarantine; rua=mailto:a@x.example; fo=1");
  s.model.dmarc.policy.reset();
  s.model.profile = Profile::us_federal;
  EXPECT_THAT(wanted_text(plan_road(s), Purpose::dmarc),
              HasSubstr("rua=mailto:a@x.example,mailto:reports@dmarc.cyber.dhs.gov"));
}

TEST(Wanted, EnforcingWantsReject) {
  Situation s = situation_here("");
  s.model.state = State::enforcing;
  EXPECT_THAT(wanted_text(plan_road(s), Purpose::dmarc), HasSubstr("p=reject"));
}

/// The domain of the first source document: people at Gmail, product mail through SES.
Situation situation_of_login_gov() {
  Situation s = situation_here(
      "login.gov. 300 MX 10 aspmx.l.google.com.\nlogin.gov. 300 MX 20 alt1.aspmx.l.google.com.\n"
      "login.gov. 300 TXT \"v=spf1 include:amazonses.com include:_spf.google.com ~all\"\n"
      "_smtp._tls.login.gov. 3600 TXT \"v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov\"\n"
      "_dmarc.login.gov. 3600 TXT \"v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:dmarc-reports@login.gov,"
      "mailto:reports@dmarc.cyber.dhs.gov; ruf=mailto:dmarc-forensics@login.gov\"\n"
      "tok1._domainkey.login.gov. 3600 CNAME tok1.dkim.amazonses.com.\n");
  const dns::Zone zone = zone_of(
      "login.gov. 300 MX 10 aspmx.l.google.com.\nlogin.gov. 300 MX 20 alt1.aspmx.l.google.com.\n"
      "login.gov. 300 TXT \"v=spf1 include:amazonses.com include:_spf.google.com ~all\"\n"
      "_smtp._tls.login.gov. 3600 TXT \"v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov\"\n"
      "_dmarc.login.gov. 3600 TXT \"v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:dmarc-reports@login.gov,"
      "mailto:reports@dmarc.cyber.dhs.gov; ruf=mailto:dmarc-forensics@login.gov\"\n"
      "tok1._domainkey.login.gov. 3600 CNAME tok1.dkim.amazonses.com.\n");
  s.model.domain = "login.gov";
  s.model.state = State::enforcing;
  s.model.profile = Profile::us_federal;
  s.model.inbound = {InboundSide::provider, "google", {{10, "aspmx.l.google.com"}, {20, "alt1.aspmx.l.google.com"}}};
  s.model.streams = {{.name = "people", .provider = "google", .spf = {}, .dkim = {}, .return_path_subdomain = {}},
                     {.name = "product",
                      .provider = "ses",
                      .spf = {},
                      .dkim = {{"tok1", DkimKind::cname, "tok1.dkim.amazonses.com"}},
                      .return_path_subdomain = {}}};
  s.around.host_name = "mail.elsewhere.example";
  s.published = ask_zone(zone, s.model, s.around);
  return s;
}

TEST(Wanted, ADomainElsewhereIsLeftAsItsOwnersHaveIt) {
  const Road road = plan_road(situation_of_login_gov());
  for (const Step& one : road.steps) EXPECT_EQ(one.kind, StepKind::by_others) << one.what;
  // Google's key has yet to be given.
  EXPECT_NE(step(road, "waited-for"), nullptr);
  EXPECT_EQ(wanted(road, Purpose::dkim, "google._domainkey.login.gov")->owner, Owner::provider);
}

TEST(Wanted, AKeyThatWasWaitedForIsFoundWhenItIsPublished) {
  Situation s = situation_of_login_gov();
  PublishedSet set;
  set.status = dns::Status::ok;
  set.data = {txt_data("v=DKIM1; k=rsa; p=abc")};
  set.ttl_seconds = 3600;
  s.published.put({*dns::Name::parse("google._domainkey.login.gov"), dns::RecordType::txt}, set);
  const Road road = plan_road(s);
  EXPECT_EQ(step(road, "waited-for"), nullptr);
  EXPECT_EQ(standing(*wanted(road, Purpose::dkim, "google._domainkey.login.gov"), s.published), Standing::same);
}

TEST(Wanted, AReturnPathHasItsOwnSpfAndMx) {
  Situation s = situation_of_login_gov();
  ASSERT_FALSE(s.model.streams.empty());
  auto& product = s.model.streams.back();
  ASSERT_EQ(product.provider, "ses");
  product.return_path_subdomain = "bounces";
  Road road = plan_road(s);
  EXPECT_EQ(wanted_text(road, Purpose::spf, "bounces.login.gov"), "v=spf1 include:amazonses.com -all");
  const WantedRecord* mx = wanted(road, Purpose::extra, "bounces.login.gov");
  ASSERT_NE(mx, nullptr);
  EXPECT_TRUE(mx->waited_for());
  EXPECT_NE(mx->reason.find("feedback-smtp.REGION"), std::string::npos);
  // Looked for again: once somebody has published it, it is what is wanted.
  PublishedSet set;
  set.status = dns::Status::ok;
  set.data = {"10 feedback-smtp.us-west-2.amazonses.com."};
  set.ttl_seconds = 3600;
  s.published.put({*dns::Name::parse("bounces.login.gov"), dns::RecordType::mx}, set);
  road = plan_road(s);
  EXPECT_EQ(wanted(road, Purpose::extra, "bounces.login.gov")->data, set.data[0]);
  product.provider = "mailgun";
  s.published = {};
  road = plan_road(s);
  EXPECT_EQ(wanted(road, Purpose::extra, "bounces.login.gov")->data, "10 mxa.mailgun.org.");
}

TEST(Providers, EachFileIsWhole) {
  std::vector<std::string> names;
  for (const Provider& provider : all_providers()) {
    names.push_back(provider.name);
    EXPECT_FALSE(provider.title.empty()) << provider.name;
    EXPECT_FALSE(provider.note.empty()) << provider.name;
    const Provider filled = provider_for(provider, "a-b.example.org");
    for (const MxHost& mx : filled.mx)
      EXPECT_TRUE(parse_data(dns::RecordType::mx, fmt::format("{} {}.", mx.preference, mx.host))) << mx.host;
    for (const std::string& term : filled.spf)
      EXPECT_TRUE(spf::parse_record("v=spf1 " + term)) << provider.name << ": " << term;
    const bool known = std::ranges::none_of(filled.dkim, &DkimReference::waited_for) && !filled.dkim.empty();
    EXPECT_TRUE(known || !provider.dkim_hint.empty()) << provider.name << " does not say where its keys are found";
    for (const DkimReference& key : filled.dkim) {
      EXPECT_TRUE(dns::Name::parse(key.selector + "._domainkey.a-b.example.org")) << key.selector;
      if (!key.waited_for() && key.kind == DkimKind::cname) EXPECT_TRUE(dns::Name::parse(key.value)) << key.value;
      EXPECT_EQ(key.value.find('{'), std::string::npos) << key.value;
    }
    if (provider.name == "generic") continue;
    EXPECT_FALSE(provider.spf.empty()) << provider.name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"fastmail", "generic", "google", "mailgun", "microsoft365", "ses", "zoho"}));
  EXPECT_EQ(provider_for(*find_provider("microsoft365"), "a-b.example.org").mx[0].host,
            "a-b-example-org.mail.protection.outlook.com");
}

TEST(Wanted, TheDefensiveSetIsWhole) {
  Situation s = situation_here(
      "a.example. MX 10 mail.a.example.\na.example. TXT \"v=spf1 mx include:x.example ~all\"\n"
      "a.example. TXT \"keep me\"\n_dmarc.a.example. TXT \"v=DMARC1; p=none; "
      "rua=mailto:r@x.example,mailto:p@a.example\"");
  s.model.state = State::parked;
  s.published =
      ask_zone(zone_of("a.example. MX 10 mail.a.example.\na.example. TXT \"v=spf1 mx include:x.example ~all\"\n"
                       "a.example. TXT \"keep me\"\n_dmarc.a.example. TXT \"v=DMARC1; p=none; "
                       "rua=mailto:r@x.example,mailto:p@a.example\""),
               s.model, s.around);
  const Road road = plan_road(s);
  EXPECT_EQ(wanted(road, Purpose::mx)->data, "0 .");
  EXPECT_EQ(wanted_text(road, Purpose::spf, "a.example"), "v=spf1 -all");
  EXPECT_EQ(wanted_text(road, Purpose::spf, "*.a.example"), "v=spf1 -all");
  EXPECT_EQ(wanted_text(road, Purpose::dkim, "*._domainkey.a.example"), "v=DKIM1; p=");
  EXPECT_EQ(wanted_text(road, Purpose::dmarc),
            "v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; rua=mailto:r@x.example");
  EXPECT_EQ(wanted(road, Purpose::caa)->data, "0 issue \";\"");
  ASSERT_EQ(road.foreign.size(), 1u);
}

TEST(Wanted, AParkedDomainSaysThatItsReportsNeedAnAddressElsewhere) {
  Situation s = situation_here("");
  s.model.state = State::parked;
  Road road = plan_road(s);
  ASSERT_EQ(road.wanted.findings.size(), 1u);
  EXPECT_EQ(road.wanted.findings[0].id, "dmarc-no-rua");
  ASSERT_NE(step(road, "mx"), nullptr);
  EXPECT_EQ(step(road, "mx")->what, "say that nobody takes the domain's mail (null MX)");
  s.around.dmarc_reports = {"mailto:dmarc@reports.example"};
  road = plan_road(s);
  EXPECT_TRUE(road.wanted.findings.empty());
  EXPECT_THAT(wanted_text(road, Purpose::dmarc), HasSubstr("rua=mailto:dmarc@reports.example"));
}

// RFC 4592 2.2.1: a wildcard does not answer at names that exist.
TEST(Wanted, AParkedDomainsPublishedKeysAreRevokedEach) {
  Situation s = situation_here(R"(s1._domainkey.a.example. TXT "v=DKIM1; k=ed25519; p=AAAA")");
  s.model.state = State::parked;
  s.around.keys = {{"s1", "v=DKIM1; k=ed25519; p=AAAA", true, false},
                   {"s2", "v=DKIM1; k=ed25519; p=BBBB", false, false}};
  s.published = ask_zone(zone_of(R"(s1._domainkey.a.example. TXT "v=DKIM1; k=ed25519; p=AAAA")"), s.model, s.around);
  std::vector<std::string> revoked;
  for (const WantedRecord& record : plan_road(s).wanted.records)
    if (record.purpose == Purpose::dkim) revoked.push_back(record.name.text() + " " + record.data);
  EXPECT_THAT(revoked, testing::UnorderedElementsAre("*._domainkey.a.example \"v=DKIM1; p=\"",
                                                     "s1._domainkey.a.example \"v=DKIM1; p=\""));
}

TEST(Wanted, TlsaOnlyWhereTheZoneIsSigned) {
  Situation s = situation_here("");
  s.around.tlsa = {"3 1 1 " + std::string(64, 'a')};
  s.published = ask_zone(zone_of(";; secure a.example\na.example. MX 10 mail.a.example."), s.model, s.around);
  EXPECT_EQ(wanted(plan_road(s), Purpose::tlsa)->name.text(), "_25._tcp.mail.a.example");
}

// ---------------------------------------------------------------- providers and pasted records

TEST(Providers, EveryFileReads) {
  EXPECT_EQ(all_providers().size(), provider_files().size());
  for (const char* const name : {"google", "microsoft365", "ses", "zoho", "mailgun", "fastmail", "generic"}) {
    const Provider* provider = find_provider(name);
    ASSERT_NE(provider, nullptr) << name;
    EXPECT_FALSE(provider->title.empty());
    for (const std::string& term : provider->spf) EXPECT_TRUE(spf::parse_record("v=spf1 " + term)) << term;
  }
  EXPECT_EQ(provider_for(*find_provider("microsoft365"), "a.b.example").mx.at(0).host,
            "a-b-example.mail.protection.outlook.com");
  EXPECT_EQ(provider_for(*find_provider("fastmail"), "a.example").dkim.at(0).value, "fm1.a.example.dkim.fmhosted.com");
}

TEST(PastedRecords, ADelegationIsRefusedWithWhatToAskForInstead) {
  const auto refused = read_record("mail.a.example. NS ns1.supplier.example.", "a.example");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ProblemKind::no);
  EXPECT_THAT(refused.error().remedy, HasSubstr("TXT or CNAME at SELECTOR._domainkey.mail.a.example"));
  Model model;
  model.domain = "a.example";
  EXPECT_FALSE(take_record(model, {"mail.a.example", "NS", "ns1.supplier.example.", 3600}));
  EXPECT_FALSE(take_change(model, "mail NS ns1.supplier.example.", {}));
}

TEST(PastedRecords, KeysGoToTheStreamThatWaitsForThem) {
  Model model;
  model.domain = "a.example";
  model.streams = {{.name = "people", .provider = "google", .spf = {}, .dkim = {}, .return_path_subdomain = {}},
                   {.name = "product", .provider = "ses", .spf = {}, .dkim = {}, .return_path_subdomain = {}}};
  const auto record = read_record("tok1._domainkey 300 IN CNAME tok1.dkim.amazonses.com.", "a.example");
  ASSERT_TRUE(record) << record.error().text();
  EXPECT_EQ(record->name, "tok1._domainkey.a.example");
  EXPECT_EQ(record->ttl_seconds, 300u);
  ASSERT_TRUE(take_record(model, *record));
  std::size_t keys = 0;
  for (const Stream& stream : model.streams) keys += stream.dkim.size();
  EXPECT_EQ(keys, 1u);
  EXPECT_TRUE(model.extra.empty());
}

TEST(PastedRecords, WhatIsNoRecordIsNamed) {
  const auto bad = [](std::string_view line) {
    const auto record = read_record(line, "a.example");
    return record ? std::string("taken") : record.error().why;
  };
  EXPECT_THAT(bad("a.example TXT v=spf1 ip4:xx.xx.xx.xx"), HasSubstr("never filled in"));
  EXPECT_THAT(bad("a.example MX ten mail"), HasSubstr("no data of a MX record"));
  EXPECT_THAT(bad("a.example"), HasSubstr("no record type"));
  Model model;
  model.domain = "a.example";
  // Seed 3.14: a comma where a semicolon belongs.
  const auto comma = read_record("s._domainkey TXT v=DKIM1, p=abc", "a.example");
  ASSERT_TRUE(comma);
  EXPECT_FALSE(take_record(model, *comma));
  const auto dmarc = read_record("_dmarc TXT v=DMARC1; p=none", "a.example");
  ASSERT_TRUE(dmarc);
  EXPECT_FALSE(take_record(model, *dmarc)) << "a second policy";
}

TEST(PastedRecords, ChangesInWords) {
  Model model;
  model.domain = "a.example";
  const std::vector<MxHost> present{{10, "mx1.a.example"}};
  ASSERT_TRUE(take_change(model, "mx+mx2.a.example:20", present));
  ASSERT_TRUE(take_change(model, "mx:mx1.a.example=mx3.a.example", model.inbound.hosts));
  EXPECT_EQ(model.inbound.hosts, (std::vector<MxHost>{{10, "mx3.a.example"}, {20, "mx2.a.example"}}));
  ASSERT_TRUE(take_change(model, "mx-mx2.a.example", model.inbound.hosts));
  EXPECT_EQ(model.inbound.hosts.size(), 1u);
  EXPECT_FALSE(take_change(model, "mx-mx9.a.example", model.inbound.hosts));
  const auto training = take_change(model, "sts=training/86400", {});
  ASSERT_FALSE(training);
  EXPECT_EQ(training.error().remedy, "did you mean testing?");
}

// ---------------------------------------------------------------- formats

TEST(Formats, TerraformKeepsWhatOthersOwnAndCutsLongTexts) {
  Situation s = situation_here("a.example. TXT \"keep \\\"me\\\"\"");
  const std::string key = "v=DKIM1; k=rsa; p=" + std::string(400, 'A');
  s.around.keys = {{"s1", key, true, false}};
  s.published = ask_zone(zone_of("a.example. TXT \"keep \\\"me\\\"\""), s.model, s.around);
  const std::string text = terraform_format(record_sets(plan_road(s)), "a.example");
  EXPECT_THAT(text, HasSubstr("resource \"aws_route53_record\" \"a_example_txt\" {"));
  // Route 53 replaces whole sets: both texts stand in one resource.
  EXPECT_THAT(text, HasSubstr("    \"v=spf1 mx ~all\",\n    \"keep \\\\\\\"me\\\\\\\"\",\n"));
  EXPECT_THAT(text, HasSubstr(key.substr(0, 255) + "\\\"\\\"" + key.substr(255)));
  EXPECT_THAT(text, Not(HasSubstr("in-addr.arpa")));
}

TEST(Formats, ZoneTextReadsBackToTheSameRecords) {
  const Road road = plan_road(situation_here(""));
  const dns::Zone zone = zone_of(zone_format(record_sets(road)));
  std::size_t wanted_here = 0;
  for (const WantedRecord& record : road.wanted.records) wanted_here += record.owner == Owner::domain ? 1 : 0;
  EXPECT_EQ(zone.records().size(), wanted_here);
}

TEST(ModelJson, EveryMemberSurvives) {
  const Model before = situation_of_login_gov().model;
  Model model = before;
  model.sts = StsStage{mta_sts::Mode::enforce, 1'209'600};
  model.reports = {{"mailto:a@x.example"}, {"mailto:f@x.example"}, {"https://x.example/r"}, {"b.example"}};
  model.dmarc = {dmarc::Policy::reject, dmarc::Policy::none, true};
  model.caa = {"letsencrypt.org"};
  model.extra = {{"x.a.example", "A", "192.0.2.9", 60}};
  model.update = {"192.0.2.53", "gov", "key", "/etc/key"};
  model.leaving_to = State::parked;
  const auto again = parse_model(model_json(model));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, model);
  storage::DomainRow row{"login.gov", "draft", R"({"postmaster":"p@login.gov","model":{}})", {}};
  row = write_model(row, model);
  EXPECT_THAT(row.settings, HasSubstr("\"postmaster\":\"p@login.gov\""));
  EXPECT_EQ(read_model(row), model);
  EXPECT_EQ(read_model({"x.example", "draft", "", {}}).inbound.side, InboundSide::here);
  EXPECT_EQ(read_model({"x.example", "draft", R"({"hosted":false})", {}}).inbound.side, InboundSide::provider);
}

}  // namespace
}  // namespace posthorn::domains
