#include "operations/transition/hold.h"

#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class HoldTest : public testing::Test {
 protected:
  HoldTest() {
    model.domain = "a.example";
    around.host_name = "mail.a.example";
  }
  std::optional<Hold> removal(TimePoint now = domains::tests_begin) const {
    return removal_hold(model, around, policies, ledger, now);
  }
  std::optional<Hold> last_account(TimePoint now = domains::tests_begin) const {
    return last_account_hold(model, around, ledger, now);
  }
  void migrate() { model.state = domains::State::migrated; }
  void saw_mx(const std::string& host, std::uint32_t ttl = 7200) {
    ledger.saw_published(name, dns::RecordType::mx, "10 " + host + ".", ttl, domains::tests_begin - hours(9), false);
  }
  void mx_went(const std::string& host, TimePoint at) {
    ledger.saw_removed(name, dns::RecordType::mx, "10 " + host + ".", at);
  }
  void serve(mta_sts::Mode mode, std::uint32_t max_age, TimePoint at) {
    policies.serve({mode, max_age, {*mta_sts::MxPattern::parse("mail.a.example")}}, at);
  }

  const dns::Name name = *dns::Name::parse("a.example");
  domains::Model model;
  domains::Surroundings around;
  domains::PolicyLog policies;
  domains::Ledger ledger;
};

TEST_F(HoldTest, WhatTheWorldNeverKnewGoesAtOnce) {
  for (const domains::State state :
       {domains::State::draft, domains::State::testing, domains::State::enforcing, domains::State::parked}) {
    model.state = state;
    EXPECT_FALSE(removal());
    EXPECT_FALSE(last_account());
  }
}

TEST_F(HoldTest, AMigratedDomainIsServedForTheTtlOfTheMxThatLedHere) {
  saw_mx("mail.a.example");
  migrate();
  ASSERT_TRUE(removal());
  EXPECT_EQ(removal()->until, std::nullopt) << "its MX leads here";
  EXPECT_TRUE(removal()->why.contains("mail.a.example"));
  EXPECT_TRUE(removal(domains::tests_begin + hours(1000))) << "however long ago it left";
  mx_went("mail.a.example", domains::tests_begin + hours(5));
  ASSERT_TRUE(removal(domains::tests_begin + hours(5)));
  EXPECT_EQ(removal(domains::tests_begin + hours(5))->until, domains::tests_begin + hours(7));
  EXPECT_EQ(last_account(domains::tests_begin + hours(5))->until, domains::tests_begin + hours(7));
  EXPECT_FALSE(removal(domains::tests_begin + hours(7)));
  EXPECT_FALSE(last_account(domains::tests_begin + hours(7)));
}

TEST_F(HoldTest, TheLongestTtlOfSeveralCounts) {
  model.inbound.hosts = {{10, "mail.a.example"}, {20, "backup.a.example"}};
  saw_mx("mail.a.example", 300);
  saw_mx("backup.a.example", 86'400);
  migrate();
  mx_went("mail.a.example", domains::tests_begin);
  mx_went("backup.a.example", domains::tests_begin);
  EXPECT_EQ(removal()->until, domains::tests_begin + seconds(86'400));
}

TEST_F(HoldTest, AnMxThatLedElsewhereAllAlongHoldsNothing) {
  saw_mx("theirs.example");
  migrate();
  EXPECT_FALSE(removal());
  EXPECT_FALSE(last_account());
}

TEST_F(HoldTest, MailThatWasNeverHereHoldsNothing) {
  model.inbound = {domains::InboundSide::provider, "generic", {{10, "mail.a.example"}}};
  saw_mx("mail.a.example");
  migrate();
  EXPECT_FALSE(removal());
}

TEST_F(HoldTest, ADomainOnItsWayOutIsHeldUntilItHasLeft) {
  model.state = domains::State::leaving;
  ASSERT_TRUE(removal());
  EXPECT_EQ(removal()->until, std::nullopt);
  EXPECT_TRUE(last_account());
}

TEST_F(HoldTest, APolicyThatSomebodyHoldsHoldsTheDomainAndNotItsAccounts) {
  model.state = domains::State::testing;
  serve(mta_sts::Mode::enforce, 86'400, domains::tests_begin - hours(48));
  ASSERT_TRUE(removal());
  EXPECT_EQ(removal()->until, std::nullopt) << "it is being served";
  EXPECT_FALSE(last_account());
  policies.fetched(domains::tests_begin - hours(1));
  serve(mta_sts::Mode::none, 86'400, domains::tests_begin);
  ASSERT_TRUE(removal());
  EXPECT_EQ(removal()->until, domains::tests_begin + hours(23));
  EXPECT_FALSE(removal(domains::tests_begin + hours(23)));
}

}  // namespace
}  // namespace posthorn::transition
