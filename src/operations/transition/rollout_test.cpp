#include "operations/transition/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using std::chrono::days;

struct Case {
  domains::Model model;
  std::vector<domains::CheckMade> checks;
  std::optional<domains::ReportedSessions> reports;
  domains::PolicyLog policies;
  RolloutRequest request{.to = rollout_stages[2], .now = domains::tests_begin + days(20)};

  Case() {
    model.sts = rollout_stages[1];
    policies.serve({mta_sts::Mode::testing, 86'400, {}}, domains::tests_begin);
    for (int day = 0; day <= 20; ++day) domains::add_check(checks, {domains::tests_begin + days(day), 0, 1, {}});
  }
  [[nodiscard]] RolloutDecision decide() const { return decide_rollout(model, checks, reports, policies, request); }
};

TEST(Rollout, ModesThatDoNotExistAreNamed) {
  EXPECT_EQ(domains::read_mode("testing"), mta_sts::Mode::testing);
  EXPECT_EQ(domains::read_mode("training").error().remedy, "did you mean testing?");
  EXPECT_EQ(domains::read_mode("enfoce").error().remedy, "did you mean enforce?");
  EXPECT_EQ(domains::read_mode("training").error().kind, ProblemKind::usage);
}

TEST(Rollout, CleanChecksForTwoWeeksAllowEnforce) {
  EXPECT_TRUE(Case().decide().allowed);
  EXPECT_TRUE(Case().decide().forward);
}

TEST(Rollout, WhatIsMissingIsSaid) {
  Case young;
  young.request.now = domains::tests_begin + days(5);
  young.checks = {{domains::tests_begin, 0, 0, {}}, {domains::tests_begin + days(5), 0, 0, {}}};
  const RolloutDecision decision = young.decide();
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.earliest, domains::tests_begin + days(14));

  Case dirty;
  domains::add_check(dirty.checks, {domains::tests_begin + days(20), 1, 0, {"mx-certificate"}});
  EXPECT_FALSE(dirty.decide().allowed);
  EXPECT_EQ(dirty.decide().earliest, std::nullopt) << "time alone does not help";

  Case stale;
  stale.checks = {{domains::tests_begin, 0, 0, {}}, {domains::tests_begin + days(17), 0, 0, {}}};
  EXPECT_FALSE(stale.decide().allowed) << "three days without a check";

  Case reported;
  reported.reports = domains::ReportedSessions{1000, 3, {"certificate-host-mismatch"}};
  EXPECT_FALSE(reported.decide().allowed);
  reported.reports = domains::ReportedSessions{1000, 0, {}};
  EXPECT_TRUE(reported.decide().allowed);

  Case skipping;
  skipping.model.sts.reset();
  EXPECT_FALSE(skipping.decide().allowed);
  skipping.request.without_evidence = true;
  EXPECT_TRUE(skipping.decide().allowed);
}

TEST(Rollout, AStepBackNeedsNothing) {
  Case back;
  back.model.sts = rollout_stages[3];
  back.checks.clear();
  back.request.to = rollout_stages[1];
  EXPECT_TRUE(back.decide().allowed);
  EXPECT_FALSE(back.decide().forward);
}

TEST(Evidence, RunsOfCleanChecksAreKeptByTheirEnds) {
  std::vector<domains::CheckMade> checks;
  for (int day = 0; day < 5000; ++day) domains::add_check(checks, {domains::tests_begin + days(day), 0, 0, {}});
  EXPECT_EQ(checks.size(), 2u);
  EXPECT_EQ(domains::clean_since(checks, domains::tests_begin + days(4999), check_fresh), domains::tests_begin);
  EXPECT_EQ(domains::clean_since(domains::parse_checks(domains::checks_json(checks)), domains::tests_begin + days(4999),
                                 check_fresh),
            domains::tests_begin);
  for (int day = 0; day < 5000; ++day)
    domains::add_check(checks, {domains::tests_begin + days(day), day % 2 == 0 ? 1u : 0u, 0, {"x"}});
  EXPECT_EQ(checks.size(), domains::checks_kept_max);
}

}  // namespace
}  // namespace posthorn::transition
