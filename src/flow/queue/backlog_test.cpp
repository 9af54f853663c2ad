#include "flow/queue/backlog.h"

#include <gtest/gtest.h>

namespace posthorn::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const TimePoint kFirstNoon = from_unix_seconds(1'790'000'000);

class BacklogTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Mail> mail(std::uint64_t id, int priority = 0) {
    Mail made;
    made.row.id = MailId{id};
    made.row.priority = priority;
    made.row.arrived = now;
    return std::make_shared<const Mail>(std::move(made));
  }
  storage::RecipientRow row(std::uint64_t id, const std::string& hop, std::uint32_t index = 0) {
    storage::RecipientRow made;
    made.mail = MailId{id};
    made.index = index;
    made.address = "bob@" + hop;
    made.domain = hop;
    made.not_before = now;
    made.expires = now + hours(120);
    return made;
  }
  void add(std::uint64_t id, const std::string& hop) { backlog.add(mail(id), {row(id, hop)}, now); }
  std::vector<Job> jobs() {
    std::vector<Job> all;
    while (auto job = backlog.next(now)) all.push_back(*job);
    return all;
  }
  static std::size_t count(const std::vector<Job>& all, Job::Kind kind) {
    return static_cast<std::size_t>(std::ranges::count(all, kind, &Job::kind));
  }
  /// The courier's whole turn with one parcel.
  void carry_one(const std::string& hop, HopHealth health, bool arriving = true) {
    const auto parcel = backlog.take(hop, arriving);
    ASSERT_TRUE(parcel);
    std::vector<storage::RecipientRow> back;
    if (health != HopHealth::fine)
      for (storage::RecipientRow stays : parcel->recipients) {
        stays.not_before = now + minutes(5);
        back.push_back(stays);
      }
    backlog.settled(hop, *parcel, back, health, now, now);
  }

  Policy policy;
  TimePoint now = kFirstNoon;
  Backlog backlog{policy};
};

TEST_F(BacklogTest, FreshMailIsCarriedWithoutARead) {
  add(1, "beta.example");
  const auto all = jobs();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, Job::Kind::carry);
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.front().mail, MailId{1});
}

TEST_F(BacklogTest, RecipientsOfOneMailForOneHopGoTogetherUpToTheBound) {
  std::vector<storage::RecipientRow> rows;
  for (std::uint32_t i = 0; i < 250; ++i) rows.push_back(row(1, "beta.example", i));
  backlog.add(mail(1), rows, now);
  (void)jobs();
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.size(), 100u);
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.size(), 100u);
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.size(), 50u);
}

TEST_F(BacklogTest, ConcurrencyStartsSmallGrowsWithSuccessAndHalvesWhenTold) {
  for (std::uint64_t id = 1; id <= 200; ++id) add(id, "beta.example");
  EXPECT_EQ(count(jobs(), Job::Kind::carry), policy.connections_per_hop_start);
  for (int i = 0; i < 40; ++i) {
    carry_one("beta.example", HopHealth::fine, false);
    (void)jobs();
  }
  EXPECT_EQ(backlog.allowed("beta.example"), policy.connections_per_hop_max);
  EXPECT_EQ(backlog.couriers(), policy.connections_per_hop_max);
  now += seconds(1);
  carry_one("beta.example", HopHealth::overloaded, true);
  EXPECT_EQ(backlog.allowed("beta.example"), policy.connections_per_hop_max / 2);
}

TEST_F(BacklogTest, StragglersOfOneFailureCountOnce) {
  for (std::uint64_t id = 1; id <= 10; ++id) add(id, "beta.example");
  (void)jobs();
  const TimePoint began = now;
  const auto first = backlog.take("beta.example", true);
  const auto second = backlog.take("beta.example", true);
  now += seconds(30);
  backlog.settled("beta.example", *first, first->recipients, HopHealth::unreachable, began, now);
  const TimePoint until = backlog.asleep_until("beta.example");
  EXPECT_EQ(until, now + minutes(5));
  now += seconds(1);
  backlog.settled("beta.example", *second, second->recipients, HopHealth::unreachable, began, now);
  EXPECT_EQ(backlog.asleep_until("beta.example"), until);
}

TEST_F(BacklogTest, ADeadHopIsProbedNotHammeredAndHoldsNoMemory) {
  for (std::uint64_t id = 1; id <= 1000; ++id) add(id, "dead.example");
  (void)jobs();
  carry_one("dead.example", HopHealth::unreachable);
  EXPECT_LE(backlog.in_memory(), 1u);
  EXPECT_TRUE(jobs().empty());
  // Fresh mail for it stays in the store.
  add(2000, "dead.example");
  EXPECT_LE(backlog.in_memory(), 1u);
  // When the wait is over one small page is read, and one courier goes.
  now = backlog.asleep_until("dead.example");
  const auto all = jobs();
  ASSERT_EQ(count(all, Job::Kind::read), 1u);
  std::vector<PageRow> page;
  for (std::uint64_t id = 2; id <= 5; ++id) page.push_back({row(id, "dead.example"), mail(id)});
  backlog.page_read("dead.example", page, 4, now);
  EXPECT_EQ(count(jobs(), Job::Kind::carry), 0u);  // one courier was there before and is still counted
  backlog.gone("dead.example");
  backlog.gone("dead.example");
  EXPECT_EQ(count(jobs(), Job::Kind::carry), 1u);
}

TEST_F(BacklogTest, OtherHopsAreServedWhileOneIsDead) {
  for (std::uint64_t id = 1; id <= 1000; ++id) add(id, "dead.example");
  for (std::uint64_t id = 2001; id <= 2010; ++id) add(id, "live.example");
  std::size_t live = 0;
  for (const Job& job : jobs()) live += job.hop == "live.example" ? 1 : 0;
  EXPECT_EQ(live, policy.connections_per_hop_start);
}

TEST_F(BacklogTest, WhatIsTakenIsNotReadTwice) {
  backlog.load({"beta.example", 2, now});
  const auto all = jobs();
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all[0].kind, Job::Kind::read);
  add(3, "beta.example");
  (void)jobs();
  // The page was read while mail 3 was already in memory and then done.
  const auto fresh = backlog.take("beta.example", true);
  ASSERT_TRUE(fresh);
  backlog.settled("beta.example", *fresh, {}, HopHealth::fine, now, now);
  std::vector<PageRow> page{
      {row(1, "beta.example"), mail(1)}, {row(2, "beta.example"), mail(2)}, {row(3, "beta.example"), mail(3)}};
  backlog.page_read("beta.example", page, 200, now);
  (void)jobs();
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.front().mail, MailId{1});
  EXPECT_EQ(backlog.take("beta.example", true)->recipients.front().mail, MailId{2});
  EXPECT_FALSE(backlog.take("beta.example", true));
}

TEST_F(BacklogTest, APageWhoseRowsAreNotDueSetsTheAlarm) {
  backlog.load({"beta.example", 1, now});
  (void)jobs();
  storage::RecipientRow later = row(1, "beta.example");
  later.not_before = now + minutes(7);
  backlog.page_read("beta.example", {{later, nullptr}}, 200, now);
  EXPECT_TRUE(jobs().empty());
  EXPECT_EQ(backlog.next_time(), now + minutes(7));
}

TEST_F(BacklogTest, HigherPriorityGoesFirst) {
  add(1, "beta.example");
  backlog.add(mail(2, 10), {row(2, "beta.example")}, now);
  (void)jobs();
  EXPECT_EQ(backlog.take("beta.example", true)->mail->row.id, MailId{2});
}

TEST_F(BacklogTest, AHopOverItsShareGivesUpACourierWhenOthersWait) {
  Policy small;
  small.connections_max = 4;
  small.connections_per_hop_start = 4;
  Backlog crowded{small};
  for (std::uint64_t id = 1; id <= 50; ++id) crowded.add(mail(id), {row(id, "big.example")}, now);
  std::size_t carried = 0;
  while (auto job = crowded.next(now)) carried += job->kind == Job::Kind::carry ? 1 : 0;
  EXPECT_EQ(carried, 4u);
  crowded.add(mail(99), {row(99, "small.example")}, now);
  EXPECT_FALSE(crowded.next(now));
  const auto parcel = crowded.take("big.example", true);
  crowded.settled("big.example", *parcel, {}, HopHealth::fine, now, now);
  // A single hop at work may use all of it; its courier is let go because another waits.
  for (int i = 0; i < 3; ++i) (void)crowded.take("big.example", true);
  crowded.gone("big.example");
  const auto job = crowded.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->hop, "small.example");
}

TEST_F(BacklogTest, WhatIsWithdrawnIsNotCarried) {
  add(1, "beta.example");
  add(2, "beta.example");
  EXPECT_TRUE(backlog.withdraw(row(1, "beta.example")));
  EXPECT_FALSE(backlog.withdraw(row(1, "beta.example")));
  (void)jobs();
  EXPECT_EQ(backlog.take("beta.example", true)->mail->row.id, MailId{2});
  EXPECT_FALSE(backlog.take("beta.example", true));
  EXPECT_FALSE(backlog.withdraw(row(2, "beta.example")));  // a courier has it
  storage::RecipientRow held = row(1, "beta.example");
  held.state = storage::RecipientState::held;
  backlog.give_back(row(1, "beta.example"), held, now);
  EXPECT_EQ(backlog.recipients(), 1u);
}

}  // namespace
}  // namespace posthorn::queue
