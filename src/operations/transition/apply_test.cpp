// Apply over two servers in memory: order, ownership, prerequisites, a crash at every operation, a secondary that lags.
#include "operations/transition/apply.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using testing::HasSubstr;

/// A primary and a secondary, and what the store keeps.
class MemoryWorld final : public ApplyWorld {
 public:
  explicit MemoryWorld(std::string_view zone_text) : primary_(domains::zone_of(zone_text)), secondary_(primary_) {}

  Task<Result<std::vector<domains::PublishedRecords>, Problem>> look(
      std::vector<domains::RecordQuestion> questions) override {
    if (auto stopped = step_taken()) co_return fail(*stopped);
    if (!secondary_lags) secondary_ = primary_;
    std::vector<domains::PublishedRecords> views;
    for (const dns::Zone& zone : {primary_, secondary_}) {
      dns::ZoneFileResolver resolver(zone);
      views.push_back(co_await domains::ask_published(resolver, questions, *dns::Name::parse("a.example")));
    }
    co_return views;
  }

  Task<Result<void, Problem>> publish(ZoneChange change) override {
    if (auto stopped = step_taken()) co_return fail(*stopped);
    if (between) std::exchange(between, nullptr)(primary_);
    if (!holds(change)) co_return fail(Problem{ProblemKind::no, "update", "somebody else has changed the zone", ""});
    dns::Zone next;
    for (const dns::Record& record : primary_.records()) {
      const bool gone = std::ranges::any_of(change.remove, [&](const dns::Record& r) {
        return r.owner == record.owner && r.type == record.type && r.data == record.data;
      });
      if (!gone) next.add(record);
    }
    for (const dns::Record& record : change.add) next.add(record);
    primary_ = std::move(next);
    ++updates;
    // The update is done; whether its answer arrives is another matter.
    if (auto stopped = step_taken()) co_return fail(*stopped);
    co_return Result<void, Problem>{};
  }

  Task<Result<void, Problem>> keep(const domains::Model& model, const domains::PolicyLog& policies,
                                   const domains::Ledger& ledger) override {
    if (auto stopped = step_taken()) co_return fail(*stopped);
    kept.model = model;
    kept.policies = policies;
    kept.ledger = ledger;
    co_return Result<void, Problem>{};
  }
  TimePoint now() override { return time; }
  Task<> wait(Duration duration) override {
    time += duration;
    co_return;
  }
  void tell(std::string line) override { told.push_back(std::move(line)); }

  [[nodiscard]] std::vector<std::string> records() const {
    std::vector<std::string> out;
    for (const dns::Record& record : primary_.records())
      out.push_back(
          fmt::format("{} {} {}", record.owner.text(), dns::text(record.type), domains::canonical_text(record.data)));
    std::ranges::sort(out);
    return out;
  }

  ApplyOutcome run(ApplyMode mode = ApplyMode::publish) {
    Situation situation = kept;
    return domains::run_task(apply_road(*this, std::move(situation), {.mode = mode}));
  }

  Situation kept;  ///< as the store has it
  TimePoint time = domains::tests_begin;
  std::vector<std::string> told;
  std::size_t updates = 0;
  std::size_t operations = 0;
  std::optional<std::size_t> crash_after;  ///< operations

  /// What must hold at every moment for the senders' sake.
  void expect_sound() const {
    const domains::PolicyEntry* current = kept.policies.current();
    for (const dns::Record& record : primary_.records()) {
      const std::string data = domains::canonical_text(record.data);
      if (record.owner.text() == "_mta-sts.a.example") {
        ASSERT_NE(current, nullptr);
        EXPECT_THAT(data, HasSubstr(current->id)) << "the record names a policy that is not served";
      }
      if (record.type != dns::RecordType::mx || data == "0 .") continue;
      const std::string host = data.substr(3, data.size() - 4);
      const auto lacking = kept.policies.lacking_until(host, time);
      EXPECT_FALSE(lacking) << host << " is in the MX, and senders may hold a policy without it";
      if (host == "mail.a.example")
        EXPECT_FALSE(primary_.lookup(*dns::Name::parse(host), dns::RecordType::a).records().empty());
    }
  }
  bool secondary_lags = false;
  void (*between)(dns::Zone& zone) = nullptr;  ///< somebody else, between our look and our update

 private:
  std::optional<Problem> step_taken() {
    ++operations;
    if (!crash_after) return std::nullopt;
    if (*crash_after == 0) return Problem{ProblemKind::unavailable, "crash", "", ""};
    --*crash_after;
    return std::nullopt;
  }
  [[nodiscard]] bool holds(const ZoneChange& change) const {
    for (const auto& absent : change.must_not_exist)
      if (primary_.lookup(absent.name, absent.type).status() == dns::Status::ok) return false;
    std::size_t there = 0;
    for (const dns::Record& record : primary_.records())
      there += std::ranges::any_of(
          change.must_exist, [&](const dns::Record& r) { return r.owner == record.owner && r.type == record.type; });
    return there == change.must_exist.size();
  }

  dns::Zone primary_, secondary_;
};

constexpr const char* before_us =
    "a.example. 300 MX 10 old.example.\na.example. 300 TXT \"v=spf1 include:x.example ~all\"\n"
    "a.example. 300 TXT \"google-site-verification=abc\"\na.example. 300 CAA 0 issue \"other.example\"\n";

MemoryWorld world_with_policy() {
  MemoryWorld world(before_us);
  world.kept.model.domain = "a.example";
  world.kept.model.state = domains::State::testing;
  world.kept.model.sts = domains::StsStage{mta_sts::Mode::testing, 86'400};
  world.kept.model.caa = {"letsencrypt.org"};
  world.kept.around.host_name = "mail.a.example";
  world.kept.around.addresses = {*IpAddress::parse("192.0.2.1")};
  return world;
}

/// What the model wants is published; a day later the domain is told to leave.
void publish_and_leave(MemoryWorld& world) {
  ASSERT_FALSE(world.run().problem);
  world.time += std::chrono::days(1);
  world.kept.model.state = domains::State::leaving;
  world.kept.model.leaving_since = world.time;
}

TEST(Apply, PublishesInOrderAndKeepsWhatOthersOwn) {
  MemoryWorld world = world_with_policy();
  const ApplyOutcome outcome = world.run();
  EXPECT_FALSE(outcome.problem) << outcome.problem->text();
  const auto records = world.records();
  EXPECT_THAT(records, testing::Contains("a.example TXT \"google-site-verification=abc\""));
  EXPECT_THAT(records, testing::Contains("a.example CAA 0 issue \"other.example\""));
  EXPECT_THAT(records, testing::Contains("a.example CAA 0 issue \"letsencrypt.org\""));
  EXPECT_THAT(records, testing::Contains("a.example TXT \"v=spf1 include:x.example mx ~all\""));
  EXPECT_THAT(records, testing::Not(testing::Contains(HasSubstr("old.example"))));
  std::vector<std::string> ids;
  for (const Step& step : outcome.taken) ids.push_back(step.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"addresses", "sending", "reports", "sts-host", "sts-policy", "sts-record",
                                           "services", "dmarc", "mx"}));
  // What is left is time and others: the drain, the policy without the old host, the PTR.
  for (const Step& step : outcome.road.steps)
    EXPECT_TRUE(step.kind == StepKind::by_others || step.earliest > world.time) << step.what;
  // Said again, nothing happens; when the old MX has left the caches, the policy follows.
  const std::size_t updates = world.updates;
  EXPECT_TRUE(world.run().taken.empty());
  EXPECT_EQ(world.updates, updates);
  world.time += std::chrono::hours(2);
  const ApplyOutcome later = world.run();
  ASSERT_EQ(later.taken.size(), 2u);
  EXPECT_EQ(later.taken[0].id, "sts-policy");
  EXPECT_EQ(later.taken[0].policy->mx.size(), 1u);
  EXPECT_EQ(later.taken[1].id, "sts-record");
}

TEST(Apply, ADryRunChangesNothing) {
  MemoryWorld world = world_with_policy();
  const auto before = world.records();
  const ApplyOutcome outcome = world.run(ApplyMode::dry);
  EXPECT_FALSE(outcome.road.steps.empty());
  EXPECT_TRUE(outcome.taken.empty());
  EXPECT_EQ(world.records(), before);
  EXPECT_TRUE(world.kept.policies.entries.empty());
  EXPECT_TRUE(world.kept.ledger.rows.empty());
}

TEST(Apply, ByHandServesThePolicyAndLeavesTheZoneAlone) {
  MemoryWorld world = world_with_policy();
  const auto before = world.records();
  const ApplyOutcome outcome = world.run(ApplyMode::by_hand);
  EXPECT_EQ(world.records(), before);
  ASSERT_EQ(outcome.taken.size(), 1u);
  EXPECT_EQ(outcome.taken[0].id, "sts-policy");
  EXPECT_NE(world.kept.policies.current(), nullptr);
}

TEST(Apply, AfterACrashAtAnyOperationItGoesOnAndEndsTheSame) {
  MemoryWorld whole = world_with_policy();
  ASSERT_FALSE(whole.run().problem);
  for (std::size_t operations = 0;; ++operations) {
    ASSERT_LT(operations, 500u);
    MemoryWorld world = world_with_policy();
    world.crash_after = operations;
    const bool crashed = world.run().problem.has_value();
    world.crash_after.reset();
    const ApplyOutcome rest = world.run();
    ASSERT_FALSE(rest.problem) << operations << ": " << rest.problem->text();
    ASSERT_EQ(world.records(), whole.records()) << "after " << operations << " operations";
    ASSERT_EQ(world.updates, whole.updates) << "no update is sent twice";
    ASSERT_EQ(world.kept.policies.entries.size(), 1u);
    // The record never names a policy that is not served.
    if (!crashed) break;
  }
}

TEST(Apply, WhoChangesTheZoneMeanwhileIsNotOverwritten) {
  MemoryWorld world = world_with_policy();
  world.between = [](dns::Zone& zone) {
    zone.add({*dns::Name::parse("mail.a.example"), dns::RecordType::a, 60, dns::A{*IpAddress::parse("192.0.2.99")}});
  };
  const ApplyOutcome outcome = world.run();
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->kind, ProblemKind::no);
  EXPECT_TRUE(outcome.taken.empty());
  EXPECT_FALSE(world.run().problem) << "said again, it goes by what is there now";
}

TEST(Apply, AStepIsNotDoneBeforeEveryServerShowsIt) {
  MemoryWorld world = world_with_policy();
  world.secondary_lags = true;
  const ApplyOutcome outcome = world.run();
  ASSERT_TRUE(outcome.problem);
  EXPECT_THAT(outcome.problem->why, HasSubstr("not every authoritative server"));
  EXPECT_EQ(world.updates, 1u) << "the next step waits";
  world.secondary_lags = false;
  EXPECT_FALSE(world.run().problem);
}

TEST(Apply, WhatWePublishedAndNoLongerWantGoesAgain) {
  MemoryWorld world = world_with_policy();
  ASSERT_FALSE(world.run().problem);
  world.kept.model.caa.clear();
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains("a.example CAA 0 issue \"letsencrypt.org\"")));
  EXPECT_THAT(world.records(), testing::Contains("a.example CAA 0 issue \"other.example\"")) << "not ours";
}

TEST(Apply, AnAddedRecordThatIsNoLongerWantedGoesAgain) {
  MemoryWorld world = world_with_policy();
  world.kept.model.extra = {{"k1._domainkey.a.example", "CNAME", "k1.supplier.example.", 3600}};
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Contains(HasSubstr("k1.supplier.example")));
  world.kept.model.extra.clear();
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("k1.supplier.example"))));
}

/// While the MX leads to a host, or a cache may say so, its addresses stand.
TEST(Apply, AParkedHostKeepsItsAddressesUntilNoCacheLeadsMailToIt) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts.reset();
  world.kept.model.extra = {{"k1._domainkey.a.example", "CNAME", "k1.supplier.example.", 3600}};
  ASSERT_FALSE(world.run().problem);
  world.time += std::chrono::days(1);
  world.kept.model.state = domains::State::parked;
  const ApplyOutcome parked = world.run();
  ASSERT_FALSE(parked.problem);
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 0 ."));
  EXPECT_THAT(world.records(), testing::Contains("mail.a.example A 192.0.2.1"));
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("k1.supplier.example"))))
      << "a key beside the wildcard would count";
  ASSERT_NE(step(parked.road, "withdraw-hosts"), nullptr);
  EXPECT_EQ(step(parked.road, "withdraw-hosts")->earliest,
            world.time + std::chrono::seconds(domains::ttl_seconds_mail));
  world.time += std::chrono::seconds(domains::ttl_seconds_mail);
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("mail.a.example"))));
}

TEST(Apply, ARenamedHostOfOursKeepsItsOldNameUntilItsMxHasLeftTheCaches) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts.reset();
  ASSERT_FALSE(world.run().problem);
  world.kept.around.host_name = "mx.a.example";
  const ApplyOutcome renamed = world.run();
  ASSERT_FALSE(renamed.problem);
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 10 mx.a.example."));
  EXPECT_THAT(world.records(), testing::Contains("mail.a.example A 192.0.2.1"));
  world.time += std::chrono::seconds(domains::ttl_seconds_mail);
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("mail.a.example"))));
}

/// Every road that a domain can be on, with a crash after each operation of each run along it: the same end, no update
/// twice, and at no moment a record that names what is not there.
struct Journey {
  const char* name;
  void (*begin)(MemoryWorld& world);
};
/// Every operation under POSTHORN_LONG; else every third, another third on each road.
class Crash : public testing::TestWithParam<Journey> {
 protected:
  const bool is_long = std::getenv("POSTHORN_LONG") != nullptr;
  const std::size_t stride = is_long ? 1 : 3;
  const std::size_t first = is_long ? 0 : std::string_view(GetParam().name).size() % stride;
};

/// The road taken to its end over the days that it needs; nullopt for `crash_at`: never.
std::size_t travel(MemoryWorld& world, std::optional<std::size_t> crash_at) {
  std::size_t runs = 0;
  world.crash_after = crash_at;
  for (int looks = 0; looks < 12; ++looks) {
    const ApplyOutcome outcome = world.run();
    ++runs;
    if (outcome.problem) {
      EXPECT_TRUE(world.crash_after) << outcome.problem->text();
      world.crash_after.reset();  // the next run is another process
      continue;
    }
    world.expect_sound();
    world.time += std::chrono::hours(20);
  }
  return runs;
}

TEST_P(Crash, AtAnyOperationOfAnyRunIsResumedAndRepeatsNothing) {
  const auto begun = [] {
    MemoryWorld world = world_with_policy();
    EXPECT_FALSE(world.run().problem);
    GetParam().begin(world);
    return world;
  };
  MemoryWorld whole = begun();
  travel(whole, std::nullopt);
  const std::size_t operations = whole.operations;
  ASSERT_GT(operations, 12u);
  for (std::size_t at = first; at < operations; at += stride) {
    MemoryWorld world = begun();
    world.operations = 0;
    travel(world, at);
    ASSERT_EQ(world.records(), whole.records()) << "crash after operation " << at;
    ASSERT_EQ(world.updates, whole.updates) << "an update was sent twice: crash after operation " << at;
    ASSERT_EQ(world.kept.model, whole.kept.model) << at;
    ASSERT_EQ(world.kept.policies.entries.size(), whole.kept.policies.entries.size()) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Roads, Crash,
    testing::Values(
        Journey{"enforce",
                [](MemoryWorld& world) { world.kept.model.sts = domains::StsStage{mta_sts::Mode::enforce, 86'400}; }},
        Journey{"back",
                [](MemoryWorld& world) { world.kept.model.sts = domains::StsStage{mta_sts::Mode::none, 86'400}; }},
        Journey{"rename",
                [](MemoryWorld& world) {
                  world.kept.model.sts = domains::StsStage{mta_sts::Mode::enforce, 604'800};
                  world.kept.model.inbound.hosts = {{10, "mx2.a.example"}};
                }},
        Journey{"migrate", [](MemoryWorld& world) { world.kept.model.state = domains::State::leaving; }},
        Journey{"park",
                [](MemoryWorld& world) {
                  world.kept.model.state = domains::State::leaving;
                  world.kept.model.leaving_to = domains::State::parked;
                }},
        Journey{"keys",
                [](MemoryWorld& world) {
                  world.kept.around.keys = {
                      {"s1", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", true, false},
                      {"s2", "v=DKIM1; p=", false, true}};
                }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Apply, LeavingServesNoneCountsDownAndTakesTheRecordLast) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts = domains::StsStage{mta_sts::Mode::enforce, 1'209'600};
  publish_and_leave(world);
  world.kept.policies.fetched(world.time);
  world.kept.model.caa = {"changed.example"};
  const ApplyOutcome begun = world.run();
  EXPECT_EQ(world.kept.policies.current()->policy.mode, mta_sts::Mode::none);
  EXPECT_THAT(world.records(), testing::Contains(HasSubstr(world.kept.policies.current()->id)));
  EXPECT_FALSE(begun.road.blocked.empty()) << "other changes wait";
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("changed.example"))));
  EXPECT_EQ(step(begun.road, "leave-countdown")->earliest, world.time + std::chrono::seconds(1'209'600));
  world.time += std::chrono::days(13);
  EXPECT_TRUE(world.run().taken.empty());
  world.time += std::chrono::days(1);
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("mta-sts"))));
  EXPECT_EQ(world.kept.model.state, domains::State::leaving) << "caches hold the record for its TTL";
  world.time += std::chrono::seconds(domains::ttl_seconds_policy);
  ASSERT_FALSE(world.run().problem);
  EXPECT_EQ(world.kept.model.state, domains::State::migrated);
}

/// Whoever has its MX or the id of its policy in a cache acts on them for their TTL, policy or not.
TEST(Apply, ADomainWithoutAPolicyLeavesWhenTheTtlsOfItsMxAreOver) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts.reset();
  publish_and_leave(world);
  const ApplyOutcome begun = world.run();
  EXPECT_EQ(world.kept.model.state, domains::State::leaving) << "nobody holds a policy; caches hold the MX";
  ASSERT_NE(step(begun.road, "caches-drain"), nullptr);
  EXPECT_EQ(step(begun.road, "state")->earliest, world.time + std::chrono::seconds(domains::ttl_seconds_mail));
  world.time += std::chrono::seconds(domains::ttl_seconds_mail - 1);
  ASSERT_FALSE(world.run().problem);
  EXPECT_EQ(world.kept.model.state, domains::State::leaving);
  world.time += std::chrono::seconds(1);
  ASSERT_FALSE(world.run().problem);
  EXPECT_EQ(world.kept.model.state, domains::State::migrated);
}

TEST(Apply, TheRecordOfAPolicyIsForgottenBeforeTheDomainHasLeft) {
  MemoryWorld world = world_with_policy();
  publish_and_leave(world);
  world.kept.policies.fetched(world.time);
  ASSERT_FALSE(world.run().problem);
  world.time += std::chrono::days(1);
  const ApplyOutcome withdrawn = world.run();
  ASSERT_FALSE(withdrawn.problem);
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("_mta-sts"))));
  EXPECT_EQ(world.kept.model.state, domains::State::leaving);
  EXPECT_EQ(step(withdrawn.road, "state")->earliest, world.time + std::chrono::seconds(domains::ttl_seconds_policy));
  world.time += std::chrono::seconds(domains::ttl_seconds_policy);
  ASSERT_FALSE(world.run().problem);
  EXPECT_EQ(world.kept.model.state, domains::State::migrated);
}

/// A parked domain refuses mail: before that, who has the old MX in a cache is served for its TTL.
TEST(Apply, ParkingSaysTheNullMxFirstAndTakesMailForTheTtlOfTheOldOne) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts.reset();
  publish_and_leave(world);
  world.kept.model.leaving_to = domains::State::parked;
  const ApplyOutcome closing = world.run();
  ASSERT_FALSE(closing.problem);
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 0 ."));
  EXPECT_THAT(world.records(), testing::Not(testing::Contains("a.example MX 10 mail.a.example.")));
  EXPECT_THAT(world.records(), testing::Contains("mail.a.example A 192.0.2.1"));
  EXPECT_EQ(world.kept.model.state, domains::State::leaving) << "mail is still taken";
  EXPECT_TRUE(closing.road.foreign.empty() || closing.road.foreign.front().type != dns::RecordType::mx);
  EXPECT_EQ(step(closing.road, "mx-drain")->earliest, world.time + std::chrono::seconds(domains::ttl_seconds_mail));
  world.time += std::chrono::seconds(domains::ttl_seconds_mail - 1);
  EXPECT_TRUE(world.run().taken.empty());
  world.time += std::chrono::seconds(1);
  ASSERT_FALSE(world.run().problem);
  EXPECT_EQ(world.kept.model.state, domains::State::parked);
  EXPECT_THAT(world.records(), testing::Contains("a.example TXT \"v=spf1 -all\""));
}

TEST(Apply, ADomainThatNoMxLeadsToIsParkedAtOnce) {
  MemoryWorld world("a.example. 300 TXT \"hello\"\n");
  world.kept.model.domain = "a.example";
  world.kept.model.state = domains::State::leaving;
  world.kept.model.leaving_to = domains::State::parked;
  world.kept.model.leaving_since = world.time;
  const ApplyOutcome parked = world.run();
  ASSERT_FALSE(parked.problem) << parked.problem->text();
  EXPECT_EQ(world.kept.model.state, domains::State::parked);
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 0 ."));
}

// ---------------------------------------------------------------- the gate

/// RFC 8461 1: a policy is made against whoever puts his own host into the MX.
TEST(Gate, AStrangersMxIsNotTakenIntoThePolicy) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts = domains::StsStage{mta_sts::Mode::enforce, 86'400};
  ASSERT_FALSE(world.run().problem);
  const mta_sts::Policy before = world.kept.policies.current()->policy;
  world.time += std::chrono::days(3);
  ASSERT_FALSE(world.run().problem);
  world.between = [](dns::Zone& zone) {
    zone.add(
        {*dns::Name::parse("a.example"), dns::RecordType::mx, 300, dns::Mx{5, *dns::Name::parse("mx.evil.example")}});
  };
  world.kept.model.caa = {"other.example"};
  const ApplyOutcome mended = world.run();
  ASSERT_FALSE(mended.problem);
  ASSERT_EQ(mended.taken.back().id, "mx") << "it was met and taken away";
  EXPECT_THAT(world.records(), testing::Not(testing::Contains(HasSubstr("evil"))));
  EXPECT_EQ(world.kept.policies.current()->policy.match("mx.evil.example"), nullptr);
  EXPECT_NE(world.kept.policies.current()->policy.match("mail.a.example"), nullptr);
}

TEST(Gate, AddingAHostNamesT1AndT2) {
  MemoryWorld world = world_with_policy();
  world.kept.model.sts = domains::StsStage{mta_sts::Mode::enforce, 1'209'600};
  world.kept.model.inbound.hosts = {{10, "mx1.a.example"}};
  ASSERT_FALSE(world.run().problem);
  world.time += std::chrono::days(3);
  world.kept.policies.fetched(world.time);
  const TimePoint fetched = world.time;
  world.kept.model.inbound.hosts = {{10, "mx2.a.example"}};
  // Nothing is served yet: T1 and T2 count from now.
  const ApplyOutcome outcome = world.run();
  const Step* mx = step(outcome.road, "mx");
  ASSERT_NE(mx, nullptr);
  EXPECT_EQ(mx->earliest, fetched + std::chrono::seconds(1'209'600));
  ASSERT_TRUE(mx->earliest_at_risk);
  EXPECT_EQ(*mx->earliest_at_risk, world.time + std::chrono::seconds(300) + daily_refresh);
  EXPECT_FALSE(mx->is_due(world.time + std::chrono::hours(23), true)) << "before T1 nobody may";
  EXPECT_TRUE(mx->is_due(world.time + std::chrono::hours(25), true));
  EXPECT_FALSE(mx->is_due(world.time + std::chrono::hours(25), false));
  EXPECT_THAT(mx->risk, HasSubstr("mx2.a.example"));
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 10 mx1.a.example.")) << "the MX waits";
  const auto& policy = world.kept.policies.current()->policy;
  EXPECT_NE(policy.match("mx1.a.example"), nullptr);
  EXPECT_NE(policy.match("mx2.a.example"), nullptr) << "the policy has the host before the MX";
}

TEST(Gate, WithoutAnEnforcedPolicyNothingWaits) {
  MemoryWorld world = world_with_policy();
  ASSERT_FALSE(world.run().problem);
  world.kept.model.inbound.hosts = {{10, "mx2.a.example"}};
  ASSERT_FALSE(world.run().problem);
  EXPECT_THAT(world.records(), testing::Contains("a.example MX 10 mx2.a.example."));
}

}  // namespace
}  // namespace posthorn::transition
