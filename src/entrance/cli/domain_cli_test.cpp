// A domain from quickstart through the verbs over its life: one source of truth for what it should publish.
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/cli/verb.h"
#include "entrance/test_support/run_verb.h"
#include "operations/inspection/watch_log.h"
#include "platform/test_support/store_support.h"

namespace posthorn::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using entrance_test::Ran;
using entrance_test::run_words;
using testing::HasSubstr;

/// A fresh site of alpha.example that asks a zone file; the file is empty at first.
class DomainVerbs : public testing::Test {
 protected:
  DomainVerbs() {
    std::ofstream(folder.path() / "password") << "correct horse\n";
    put_zone("");
    const Ran made =
        run_words({"quickstart", "alpha.example", "--dir", dir(), "--listen",
                   "smtp=192.0.2.1:2525,submission=127.0.0.1:2587", "--dns", "zone:" + zone().string(), "--account",
                   "ann", "--password-file", (folder.path() / "password").string(), "--json"});
    EXPECT_EQ(made.status, Exit::done) << made.err;
    answer = json::parse(made.out).as_object();
  }
  [[nodiscard]] std::string dir() const { return (folder.path() / "site").string(); }
  [[nodiscard]] fs::path zone() const { return folder.path() / "zone"; }
  void put_zone(const std::string& text) const { std::ofstream(zone(), std::ios::trunc) << text; }
  void publish_records() const {
    std::string text;
    for (const json::value& value : answer.at("records").as_array()) {
      const json::object& record = value.as_object();
      text += fmt::format("{}. {} IN {} {}\n", std::string_view(record.at("name").as_string()),
                          record.at("ttl").to_number<int>(), std::string_view(record.at("type").as_string()),
                          std::string_view(record.at("data").as_string()));
    }
    put_zone(text);
  }
  [[nodiscard]] Ran verb(std::vector<std::string> words) const {
    words.insert(words.end(), {"--config", dir() + "/posthorn.toml"});
    return run_words(words);
  }

  storage::testing::TemporaryFolder folder;
  json::object answer;
};

TEST_F(DomainVerbs, WhatQuickstartSaysToPublishPassesItsOwnCheckAndPlan) {
  EXPECT_EQ(verb({"domain", "check", "alpha.example"}).status, Exit::no) << "nothing is published yet";
  publish_records();
  const Ran checked = verb({"domain", "check", "alpha.example", "--json"});
  EXPECT_EQ(checked.status, Exit::done) << checked.out;
  const json::value report = json::parse(checked.out);
  EXPECT_EQ(report.at("kind").as_string(), "here");
  for (const json::value& finding : report.at("findings").as_array())
    EXPECT_EQ(finding.at("level").as_string(), "info") << finding;
  const json::value plan = json::parse(verb({"domain", "plan", "alpha.example", "--json"}).out);
  for (const json::value& record : plan.at("records").as_array())
    EXPECT_EQ(record.at("standing").as_string(), "same") << record;
  EXPECT_TRUE(plan.at("steps").as_array().empty());
}

TEST_F(DomainVerbs, TheOrganizationsReportAddressesStandInThePlan) {
  std::ofstream(dir() + "/posthorn.toml", std::ios::app)
      << "[domains]\ndmarc_reports = \"mailto:dmarc@reports.example\"\ntls_reports = \"https://reports.example/tls\"\n";
  const Ran planned = verb({"domain", "plan", "alpha.example", "--format", "zone"});
  EXPECT_THAT(planned.out, HasSubstr("_dmarc.alpha.example. 3600 IN TXT \"v=DMARC1; p=none; "
                                     "rua=mailto:dmarc@reports.example\""));
  EXPECT_THAT(planned.out, HasSubstr("\"v=TLSRPTv1; rua=https://reports.example/tls\""));
  ASSERT_EQ(verb({"domain", "set", "alpha.example", "--tls-reports", "mailto:own@alpha.example"}).status, Exit::done);
  EXPECT_THAT(verb({"domain", "plan", "alpha.example", "--format", "zone"}).out,
              HasSubstr("\"v=TLSRPTv1; rua=mailto:own@alpha.example\""))
      << "what the domain says itself goes first";
}

TEST_F(DomainVerbs, WatchShowsWhatTheServerHasFound) {
  const Ran fresh = verb({"domain", "watch", "alpha.example", "--json"});
  EXPECT_EQ(fresh.status, Exit::done);
  EXPECT_TRUE(json::parse(fresh.out).at("last_check").is_null());
  inspection::WatchLog log;
  inspection::CheckReport report;
  report.checked_at = from_unix_seconds(1'800'000'000);
  report.findings.push_back({{"mx-cname", FindingLevel::error, "an alias", "publish it"},
                             "alpha.example",
                             "",
                             {},
                             std::nullopt,
                             std::nullopt});
  for (int i = 0; i < 2; ++i) inspection::note_check(log, report, true);
  {
    storage::StoreOptions options;
    options.dir = dir() + "/store";
    auto store = storage::Store::open(options);
    ASSERT_TRUE(store) << store.error().text();
    storage::Unit unit;
    unit.mutations.emplace_back(
        storage::PutSetting{inspection::watch_log_key("alpha.example"), inspection::watch_log_json(log)});
    ASSERT_TRUE(storage::testing::commit(**store, std::move(unit)));
    (*store)->close();
  }
  const Ran told = verb({"domain", "watch", "alpha.example", "--json"});
  EXPECT_EQ(told.status, Exit::no) << "an error stands";
  const json::value document = json::parse(told.out);
  EXPECT_EQ(document.at("errors").to_number<int>(), 1);
  EXPECT_EQ(document.at("findings").at(0).at("id").as_string(), "mx-cname");
  EXPECT_EQ(document.at("findings").at(0).at("since").as_string(), "2027-01-15T08:00:00Z");
  EXPECT_EQ(document.at("history").at(0).at("what").as_string(), "appeared");
  EXPECT_EQ(document.at("next_check").as_string(), "2027-01-15T14:00:00Z");
  EXPECT_THAT(verb({"domain", "watch", "alpha.example"}).out, HasSubstr("mx-cname"));
  EXPECT_THAT(verb({"domain", "watch"}).out, HasSubstr("alpha.example"));
  EXPECT_EQ(verb({"domain", "watch", "nowhere.example"}).status, Exit::no);
}

}  // namespace
}  // namespace posthorn::cli
