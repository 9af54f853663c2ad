#include "flow/queue/queue.h"

#include <gtest/gtest.h>

#include "flow/test_support/queue_bed.h"

namespace posthorn::queue {
namespace {

using flow_test::QueueBed;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// A world of next hops that answer as the test says.
class World final : public CourierOffice {
 public:
  explicit World(runtime::Clock& clock) : clock_(clock) {}
  std::unique_ptr<Courier> courier(const std::string& next_hop, std::size_t) override {
    ++couriers;
    return std::make_unique<WorldCourier>(*this, next_hop);
  }

  struct Carried {
    TimePoint at;
    std::string hop;
    MailId mail;
    std::size_t recipients = 0;
  };
  std::map<std::string, Fate> fates;  // by hop; relayed where none is given
  std::set<std::string> dead;
  std::vector<Carried> carried;  // every attempt
  std::size_t couriers = 0;
  Duration takes = std::chrono::milliseconds(5);
  std::string status = "5.1.1";

  [[nodiscard]] std::size_t attempts(const std::string& hop) const {
    return static_cast<std::size_t>(std::ranges::count(carried, hop, &Carried::hop));
  }

 private:
  class WorldCourier final : public Courier {
   public:
    WorldCourier(World& world, std::string hop) : world_(world), hop_(std::move(hop)) {}
    Task<Delivery> deliver(Parcel parcel) override {
      co_await world_.clock_.wait_for(world_.takes);
      world_.carried.push_back({world_.clock_.now(), hop_, parcel.mail->row.id, parcel.recipients.size()});
      Delivery delivery;
      const bool is_dead = world_.dead.contains(hop_);
      const auto fate = world_.fates.find(hop_);
      for (const auto& row : parcel.recipients) {
        RecipientOutcome outcome;
        outcome.index = row.index;
        outcome.fate = is_dead ? Fate::deferred : fate == world_.fates.end() ? Fate::relayed : fate->second;
        outcome.verdict =
            is_dead ? Verdict{0, "4.4.1", "no host could be reached", "", false}
                    : Verdict{outcome.fate == Fate::relayed  ? 250
                              : outcome.fate == Fate::failed ? 550
                                                             : 450,
                              outcome.fate == Fate::relayed ? "2.0.0" : world_.status, "said", "mx." + hop_, true};
        delivery.recipients.push_back(outcome);
      }
      delivery.health = is_dead ? HopHealth::unreachable : HopHealth::fine;
      warm_ = !is_dead;
      co_return delivery;
    }
    bool is_warm() const override { return warm_; }
    Task<> rest() override { co_return; }

   private:
    World& world_;
    std::string hop_;
    bool warm_ = false;
  };
  runtime::Clock& clock_;
};

class QueueTest : public ::testing::Test {
 protected:
  QueueBed bed;
  World world{bed.clock};
};

TEST_F(QueueTest, FreshMailGoesOutWithoutAReadAndItsStorySaysSo) {
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example", "eve@beta.example", "joe@gamma.example"});
  bed.run_for(seconds(1));
  EXPECT_TRUE(bed.store.recipients.empty());
  EXPECT_TRUE(bed.store.mails.empty());
  ASSERT_EQ(world.carried.size(), 2u);  // one transaction a hop
  EXPECT_EQ(bed.store.pages_read, 0u);
  EXPECT_NE(bed.store.story(id).find("relayed"), std::string::npos);
  EXPECT_TRUE(bed.acceptor.messages.empty());
}

TEST_F(QueueTest, ACourierStaysAWhileForTheNextMail) {
  bed.start(world);
  for (int i = 0; i < 5; ++i) {
    bed.send("ann@alpha.example", {"bob@beta.example"});
    bed.run_for(seconds(1));
  }
  EXPECT_EQ(world.couriers, 1u);
  EXPECT_EQ(bed.queue->at_work(), 1u);
  bed.run_for(seconds(10));
  EXPECT_EQ(bed.queue->at_work(), 0u);
}

TEST_F(QueueTest, AFailedRecipientAndItsReportAreOneUnit) {
  world.fates["beta.example"] = Fate::failed;
  bed.start(world);
  bed.send("ann@alpha.example", {"bob@beta.example"});
  const std::size_t before = bed.store.commits;
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.store.commits, before + 1);
  EXPECT_TRUE(bed.store.recipients.empty());
  ASSERT_EQ(bed.acceptor.messages.size(), 1u);
  EXPECT_EQ(bed.acceptor.messages[0].recipient, "ann@alpha.example");
  EXPECT_EQ(bed.acceptor.count("Action: failed"), 1u);
  EXPECT_EQ(bed.acceptor.count("Subject: news"), 1u) << "the header comes back";
}

TEST_F(QueueTest, NeverABounceToABounce) {
  world.fates["beta.example"] = Fate::failed;
  bed.start(world);
  const MailId id = bed.send("", {"bob@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_TRUE(bed.acceptor.messages.empty());
  EXPECT_FALSE(bed.waits(id));
  EXPECT_NE(bed.store.story(id).find("undeliverable"), std::string::npos);
}

TEST_F(QueueTest, AReportThatNobodyCanGetIsRecorded) {
  world.fates["beta.example"] = Fate::failed;
  bed.acceptor.nobody_there = true;
  bed.start(world);
  const MailId id = bed.send("gone@alpha.example", {"bob@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_NE(bed.store.story(id).find("undeliverable"), std::string::npos);
}

TEST_F(QueueTest, AReportThatCannotBeAcceptedNowKeepsTheRecipient) {
  world.fates["beta.example"] = Fate::failed;
  bed.acceptor.refuse_for_now = 1;
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_TRUE(bed.waits(id));
  bed.run_for(minutes(6));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.messages.size(), 1u);
}

TEST_F(QueueTest, DownForThreeDaysThenUpIsDeliveredWithOneDelayNotice) {
  world.dead.insert("beta.example");
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(hours(72));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.messages.size(), 1u);
  EXPECT_EQ(bed.acceptor.count("Action: delayed"), 1u);
  EXPECT_GT(world.attempts("beta.example"), 15u);
  EXPECT_LT(world.attempts("beta.example"), 40u);
  world.dead.clear();
  bed.run_for(hours(5));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.messages.size(), 1u) << "and no bounce";
}

TEST_F(QueueTest, NeverUpIsReturnedAfterFiveDays) {
  world.dead.insert("beta.example");
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(hours(119));
  EXPECT_TRUE(bed.waits(id));
  bed.run_for(hours(2));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.count("Action: failed"), 1u);
  EXPECT_EQ(bed.acceptor.count("Status: 4.4.7"), 1u);
}

TEST_F(QueueTest, AllWhoWaitAtADeadHopAreToldAndDeliveredThoughFewAreProbed) {
  world.dead.insert("beta.example");
  bed.start(world);
  for (int i = 0; i < 50; ++i) bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(hours(9));
  EXPECT_EQ(bed.acceptor.count("Action: delayed"), 50u);
  EXPECT_LT(world.attempts("beta.example"), 60u) << "probed, not hammered";
  world.dead.clear();
  bed.run_for(hours(1));
  EXPECT_TRUE(bed.store.recipients.empty());
  EXPECT_EQ(bed.acceptor.messages.size(), 50u);
}

TEST_F(QueueTest, RestartKeepsTheSchedule) {
  world.fates["beta.example"] = Fate::deferred;
  world.status = "4.2.0";
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(minutes(20));
  const auto row = bed.row(id);
  const std::size_t attempts = world.carried.size();
  EXPECT_EQ(row.attempts, attempts);
  EXPECT_NE(row.last_reply.find("450 4.2.0"), std::string::npos);
  bed.stop();
  bed.start(world);
  bed.run_for(row.not_before - bed.clock.now() - seconds(1));
  EXPECT_EQ(world.carried.size(), attempts) << "not before its time";
  bed.run_for(seconds(3));
  EXPECT_EQ(world.carried.size(), attempts + 1);
  EXPECT_EQ(bed.row(id).expires, row.expires);
}

TEST_F(QueueTest, WhatWaitsInTheStoreIsReadAtStart) {
  for (int i = 0; i < 500; ++i) bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.start(world);
  bed.run_for(minutes(2));
  EXPECT_TRUE(bed.store.recipients.empty());
  EXPECT_EQ(world.carried.size(), 500u) << "each once";
}

TEST_F(QueueTest, ThousandsForADeadHopDoNotSlowAnother) {
  const auto time_for_100 = [](QueueBed& on, World& in) {
    for (int i = 0; i < 100; ++i) on.send("ann@alpha.example", {"bob@live.example"});
    const TimePoint began = on.clock.now();
    (void)on.loop.run_until([&] { return in.attempts("live.example") >= 100; }, began + hours(1));
    return on.clock.now() - began;
  };
  QueueBed quiet;
  World calm{quiet.clock};
  quiet.start(calm);
  const Duration alone = time_for_100(quiet, calm);

  world.dead.insert("dead.example");
  for (int i = 0; i < 3000; ++i) bed.send("ann@alpha.example", {"bob@dead.example"});
  bed.start(world);
  bed.run_for(hours(1));
  const Duration beside = time_for_100(bed, world);
  EXPECT_LE(beside, alone + alone / 5);
}

TEST_F(QueueTest, MoreThanFitsInMemoryIsReadLater) {
  Policy small;
  small.recipients_in_memory_max = 10;
  bed.start(world, small);
  for (int i = 0; i < 200; ++i)
    bed.send("ann@alpha.example", {fmt::format("bob@{}.example", i % 7), fmt::format("eve@{}.example", i % 5)});
  bed.run_for(minutes(5));
  EXPECT_TRUE(bed.store.recipients.empty());
  std::size_t recipients = 0;
  for (const auto& one : world.carried) recipients += one.recipients;
  EXPECT_EQ(recipients, 400u) << "each once";
}

TEST_F(QueueTest, AFullStoreDoesNotMakeUsSendTwice) {
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.store.refuse_commits = 3;
  bed.run_for(minutes(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(world.carried.size(), 1u);
}

TEST_F(QueueTest, HoldReleaseRetryDrop) {
  world.fates["beta.example"] = Fate::deferred;
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.apply(Operation::hold, id.text()), 1u);
  bed.run_for(hours(6));
  EXPECT_EQ(world.carried.size(), 1u);
  EXPECT_EQ(bed.apply(Operation::retry, id.text()), 0u) << "held ones are not tried";
  EXPECT_EQ(bed.apply(Operation::release, "beta.example"), 1u);
  bed.run_for(seconds(1));
  EXPECT_EQ(world.carried.size(), 2u);
  EXPECT_EQ(bed.apply(Operation::retry, ""), 1u);
  bed.run_for(seconds(1));
  EXPECT_EQ(world.carried.size(), 3u);
  EXPECT_EQ(bed.apply(Operation::drop, "ann@alpha.example"), 1u);
  EXPECT_FALSE(bed.waits(id));
  EXPECT_NE(bed.store.story(id).find("discarded"), std::string::npos);
}

TEST_F(QueueTest, WhatIsReleasedIsTriedThoughItsHopWasOutOfReach) {
  world.dead.insert("beta.example");
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(seconds(1));
  ASSERT_TRUE(bed.waits(id));
  EXPECT_EQ(bed.apply(Operation::hold, id.text()), 1u);
  world.dead.clear();
  EXPECT_EQ(bed.apply(Operation::release, id.text()), 1u);
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
}

TEST_F(QueueTest, ARouteMadeLaterTakesWhatWaits) {
  bed.send("ann@alpha.example", {"bob@beta.example"});
  config::Route route;
  route.domain = "beta.example";
  route.host = "smart.example";
  bed.start(world, {}, Routes({route}));
  bed.run_for(seconds(5));
  ASSERT_EQ(world.carried.size(), 1u);
  EXPECT_TRUE(Routes::is_route_key(world.carried[0].hop));
  EXPECT_TRUE(bed.store.recipients.empty());
}

TEST_F(QueueTest, StoppingLetsACourierFinish) {
  world.takes = seconds(2);
  bed.start(world);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"});
  bed.run_for(seconds(1));
  bed.stop();
  EXPECT_FALSE(bed.waits(id));
}

}  // namespace
}  // namespace posthorn::queue
