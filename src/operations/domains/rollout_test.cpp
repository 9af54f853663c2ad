#include "operations/domains/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/domains/road_fixture.h"

namespace posthorn::domains {
namespace {

using std::chrono::days;

struct Case {
  Model model;
  std::vector<CheckMade> checks;
  std::optional<ReportedSessions> reports;
  PolicyLog policies;
  RolloutRequest request{.to = rollout_stages[2], .now = road_begins + days(20)};

  Case() {
    model.sts = rollout_stages[1];
    policies.serve({mta_sts::Mode::testing, 86'400, {}}, road_begins);
    for (int day = 0; day <= 20; ++day) add_check(checks, {road_begins + days(day), 0, 1, {}});
  }
  [[nodiscard]] RolloutDecision decide() const { return decide_rollout(model, checks, reports, policies, request); }
};

TEST(Rollout, ModesThatDoNotExistAreNamed) {
  EXPECT_EQ(read_mode("testing"), mta_sts::Mode::testing);
  EXPECT_EQ(read_mode("training").error().remedy, "did you mean testing?");
  EXPECT_EQ(read_mode("enfoce").error().remedy, "did you mean enforce?");
  EXPECT_EQ(read_mode("training").error().kind, ProblemKind::usage);
}

TEST(Rollout, CleanChecksForTwoWeeksAllowEnforce) {
  EXPECT_TRUE(Case().decide().allowed);
  EXPECT_TRUE(Case().decide().forward);
}

TEST(Rollout, WhatIsMissingIsSaid) {
  Case young;
  young.request.now = road_begins + days(5);
  young.checks = {{road_begins, 0, 0, {}}, {road_begins + days(5), 0, 0, {}}};
  const RolloutDecision decision = young.decide();
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.earliest, road_begins + days(14));

  Case dirty;
  add_check(dirty.checks, {road_begins + days(20), 1, 0, {"mx-certificate"}});
  EXPECT_FALSE(dirty.decide().allowed);
  EXPECT_EQ(dirty.decide().earliest, std::nullopt) << "time alone does not help";

  Case stale;
  stale.checks = {{road_begins, 0, 0, {}}, {road_begins + days(17), 0, 0, {}}};
  EXPECT_FALSE(stale.decide().allowed) << "three days without a check";

  Case reported;
  reported.reports = ReportedSessions{1000, 3, {"certificate-host-mismatch"}};
  EXPECT_FALSE(reported.decide().allowed);
  reported.reports = ReportedSessions{1000, 0, {}};
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
  std::vector<CheckMade> checks;
  for (int day = 0; day < 5000; ++day) add_check(checks, {road_begins + days(day), 0, 0, {}});
  EXPECT_EQ(checks.size(), 2u);
  EXPECT_EQ(clean_since(checks, road_begins + days(4999), check_fresh), road_begins);
  EXPECT_EQ(clean_since(parse_checks(checks_json(checks)), road_begins + days(4999), check_fresh), road_begins);
  for (int day = 0; day < 5000; ++day) add_check(checks, {road_begins + days(day), day % 2 == 0 ? 1u : 0u, 0, {"x"}});
  EXPECT_EQ(checks.size(), checks_kept_max);
}

}  // namespace
}  // namespace posthorn::domains
