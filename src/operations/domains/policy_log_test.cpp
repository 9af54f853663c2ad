// How long somebody may still hold a policy that was served.
#include "operations/domains/policy_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthorn::domains {
namespace {

using std::chrono::seconds;

mta_sts::Policy policy(mta_sts::Mode mode, std::uint32_t max_age, const std::vector<std::string>& mx) {
  mta_sts::Policy out{mode, max_age, {}};
  for (const std::string& host : mx) out.mx.push_back({host, false});
  return out;
}

TimePoint at(int second) {
  return from_unix_seconds(1'000'000'000 + second);
}

TEST(PolicyLog, WhatIsServedMayBeFetchedThisVeryMoment) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example"}), at(0));
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(500)), at(500) + seconds(86400));
  EXPECT_EQ(log.lacking_until("mx1.a.example", at(500)), std::nullopt);
  EXPECT_EQ(log.held_until(at(500)), at(500) + seconds(86400));
}

TEST(PolicyLog, AFormerPolicyCountsFromItsLastFetch) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example"}), at(0));
  log.fetched(at(1000));
  log.serve(policy(mta_sts::Mode::enforce, 3600, {"mx1.a.example", "mx2.a.example"}), at(2000));
  log.fetched(at(3000));
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(4000)), at(1000) + seconds(86400));
  EXPECT_EQ(log.lacking("mx2.a.example", at(4000)).size(), 1u);
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(1000 + 86400)), std::nullopt);
}

TEST(PolicyLog, TheLongestHeldPolicyCountsNotTheLast) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 31'557'600, {"mx1.a.example"}), at(0));
  log.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example"}), at(100));
  log.serve(policy(mta_sts::Mode::none, 3600, {}), at(200));
  EXPECT_EQ(log.held_until(at(300)), at(0) + seconds(31'557'600));
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(300)), at(0) + seconds(31'557'600));
}

TEST(PolicyLog, TestingAndNoneKeepNobodyOut) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::testing, 86400, {"mx1.a.example"}), at(0));
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(1)), std::nullopt);
  EXPECT_NE(log.held_until(at(1)), std::nullopt);
  log.serve(policy(mta_sts::Mode::none, 86400, {}), at(2));
  EXPECT_EQ(log.held_until(at(3)), at(0) + seconds(86400));
}

TEST(PolicyLog, ServingTheSameAgainIsNoNewEntry) {
  PolicyLog log;
  const auto same = policy(mta_sts::Mode::testing, 86400, {"mx1.a.example"});
  log.serve(same, at(0));
  log.serve(same, at(10));
  EXPECT_EQ(log.entries.size(), 1u);
  EXPECT_EQ(log.current()->first_served, at(0));
}

TEST(PolicyLog, APolicyServedElsewhereIsHeldFromTheMomentItIsReplaced) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 1000, {"mx1.a.example"}), at(0), true);
  log.serve(policy(mta_sts::Mode::enforce, 1000, {"mx2.a.example"}), at(5000));
  EXPECT_EQ(log.lacking_until("mx2.a.example", at(5001)), at(6000));
}

TEST(PolicyLog, SurvivesTheStore) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example", "mx2.a.example"}), at(0));
  log.serve(policy(mta_sts::Mode::none, 86400, {}), at(60));
  const PolicyLog again = parse_policy_log(policy_log_json(log));
  ASSERT_EQ(again.entries.size(), 2u);
  EXPECT_EQ(again.entries[0].policy, log.entries[0].policy);
  EXPECT_EQ(again.entries[0].last_fetched, log.entries[0].last_fetched);
  EXPECT_EQ(again.entries[1].id, log.entries[1].id);
  EXPECT_TRUE(parse_policy_log("").entries.empty());
  EXPECT_TRUE(parse_policy_log("[1,2").entries.empty());
}

TEST(PolicyLog, IsBoundedAndKeepsTheLongestHeld) {
  PolicyLog log;
  log.serve(policy(mta_sts::Mode::enforce, 31'557'600, {"old.a.example"}), at(0));
  for (int i = 1; i < 400; ++i) {
    log.serve(policy(mta_sts::Mode::enforce, 86400, {fmt::format("mx{}.a.example", i)}), at(i));
  }
  EXPECT_EQ(log.entries.size(), policies_max);
  EXPECT_EQ(log.lacking_until("new.a.example", at(400)), at(0) + seconds(31'557'600));
}

TEST(PolicyLog, AFetchDuringAChangeIsTakenOver) {
  PolicyLog before;
  before.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example"}), at(0));
  PolicyLog fetched = before, changed = before;
  fetched.fetched(at(2500));
  EXPECT_TRUE(same_policies(before, fetched));
  changed.serve(policy(mta_sts::Mode::enforce, 86400, {"mx1.a.example", "mx2.a.example"}), at(2000));
  EXPECT_FALSE(same_policies(before, changed));
  take_fetches(changed, fetched);
  EXPECT_EQ(changed.lacking_until("mx2.a.example", at(4000)), at(2500) + seconds(86400)) << "never too early";
}

}  // namespace
}  // namespace posthorn::domains
