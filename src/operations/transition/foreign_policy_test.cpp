// A domain whose MTA-STS policy is served by others (people at a provider, the file in a bucket): the MX gate holds for
// it as it does for one of ours, and the plan takes nothing of theirs away.
#include "operations/transition/hold.h"
#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using std::chrono::seconds;

class ForeignPolicy : public testing::Test {
 protected:
  ForeignPolicy() : s(situation_here(kZone)) {
    s.model.inbound = {domains::InboundSide::provider, "generic", {{1, "smtp.new.example"}}};
    s.published = domains::ask_zone(domains::zone_of(kZone), s.model, s.around);
  }
  void read_policy(mta_sts::Mode mode, const std::vector<std::string>& hosts) {
    mta_sts::Policy policy{mode, 604'800, {}};
    for (const std::string& host : hosts) policy.mx.push_back(*mta_sts::MxPattern::parse(host));
    s.policies.serve(policy, s.now, true);
  }
  const Step& mx() {
    road = plan_road(s);
    const Step* const found = step(road, "mx");
    if (found == nullptr) throw std::logic_error("no step leads the mail elsewhere");
    return *found;
  }
  static constexpr const char* kZone =
      "a.example. 300 MX 10 aspmx.old.example.\n"
      "_mta-sts.a.example. 300 TXT \"v=STSv1; id=59784add0f027f4ce93efbe6bc286e1a\"\n";
  Situation s;
  Road road;
};

TEST_F(ForeignPolicy, ThatNobodyHereHasReadHoldsAnMxForAsLongAsThereIs) {
  EXPECT_EQ(mx().earliest, s.now + seconds(mta_sts::max_age_seconds_max));
  EXPECT_TRUE(mx().why.contains("posthorn domain check a.example reads it")) << mx().why;
  EXPECT_FALSE(mx().risk.empty());
  EXPECT_GT(*mx().earliest_at_risk, s.now + daily_refresh);
}

TEST_F(ForeignPolicy, ThatLacksTheHostHoldsItForItsMaxAge) {
  read_policy(mta_sts::Mode::enforce, {"aspmx.old.example"});
  EXPECT_EQ(mx().earliest, s.now + seconds(604'800)) << "it is served on: somebody may fetch it now";
  EXPECT_EQ(step(road, "sts-policy"), nullptr) << "it is theirs";
  EXPECT_EQ(step(road, "sts-record"), nullptr);
}

TEST_F(ForeignPolicy, ThatAdmitsTheHostHoldsNothing) {
  read_policy(mta_sts::Mode::enforce, {"aspmx.old.example", "smtp.new.example"});
  EXPECT_EQ(mx().earliest, s.now);
}

TEST_F(ForeignPolicy, ThatOnlyTestsHoldsNothing) {
  read_policy(mta_sts::Mode::testing, {"aspmx.old.example"});
  EXPECT_EQ(mx().earliest, s.now);
}

TEST_F(ForeignPolicy, IsWaitedForWhenTheDomainLeavesAndIsNoReasonToKeepIt) {
  read_policy(mta_sts::Mode::enforce, {"aspmx.old.example"});
  EXPECT_FALSE(removal_hold(s.model, s.around, s.policies, s.ledger, s.now)) << "it stays where it is, without us";
  s.model.state = domains::State::leaving;
  road = plan_road(s);
  ASSERT_NE(step(road, "leave-countdown"), nullptr);
  EXPECT_EQ(step(road, "leave-countdown")->earliest, s.now + seconds(604'800));
}

}  // namespace
}  // namespace posthorn::transition
