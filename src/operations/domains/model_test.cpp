// What a model is made of: the files of providers, records that somebody was told to publish, the JSON that keeps it.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/domains/pasted_records.h"
#include "operations/domains/provider.h"
#include "operations/domains/record_data.h"
#include "operations/domains/zone_fixture.h"
#include "standards/spf/record.h"

namespace posthorn::domains {
namespace {

using testing::HasSubstr;

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

TEST(ModelJson, EveryMemberSurvives) {
  const Model before = model_of_login_gov();
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
