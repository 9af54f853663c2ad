#include "flow/queue/settle.h"

#include <array>

#include <gtest/gtest.h>

#include "flow/queue/envelope.h"
#include "flow/queue/operations.h"

namespace posthorn::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const TimePoint noon = from_unix_seconds(1'790'000'000);

class SettleTest : public ::testing::Test {
 protected:
  SettleTest() {
    auto made = std::make_shared<Mail>();
    made->row.id = MailId{7};
    made->row.sender = "ann@alpha.example";
    made->row.arrived = noon;
    mail = made;
    parcel.mail = mail;
    parcel.recipients = {new_recipient(policy, MailId{7}, 0, "bob@beta.example", "beta.example", noon)};
  }
  std::vector<Decision> after(Fate fate, TimePoint now, bool passed_on = false) {
    Delivery delivery;
    delivery.recipients = {
        {0, fate, Verdict{fate == Fate::failed ? 550 : 450, "5.1.1", "no", "mx.beta.example", true}, passed_on}};
    return decide(policy, parcel, delivery, now);
  }
  void set_notify(std::string_view text) { parcel.recipients[0].notify = notify_bits(*smtp::Notify::parse(text)); }
  void set_sender(std::string sender) {
    auto changed = std::make_shared<Mail>(*mail);
    changed->row.sender = std::move(sender);
    parcel.mail = mail = changed;
  }

  Policy policy;
  std::shared_ptr<const Mail> mail;
  Parcel parcel;
};

// RFC 3461 4.1, 5.2; RFC 5321 6.1: who is told what.
TEST_F(SettleTest, FailureIsReportedUnlessNullSenderOrNotifyLeavesItOut) {
  EXPECT_EQ(after(Fate::failed, noon)[0].report, dsn::Action::failed);
  set_notify("FAILURE");
  EXPECT_EQ(after(Fate::failed, noon)[0].report, dsn::Action::failed);
  for (const char* without : {"NEVER", "SUCCESS", "DELAY", "SUCCESS,DELAY"}) {
    set_notify(without);
    EXPECT_FALSE(after(Fate::failed, noon)[0].report) << without;
    EXPECT_EQ(after(Fate::failed, noon)[0].kind, Decision::Kind::failed);
  }
  set_notify("FAILURE");
  set_sender("");
  EXPECT_FALSE(after(Fate::failed, noon)[0].report) << "a bounce to a bounce";
}

TEST_F(SettleTest, RelayedIsReportedOnlyWhereSuccessWasAskedAndThePeerDoesNotReport) {
  EXPECT_FALSE(after(Fate::relayed, noon)[0].report);
  set_notify("SUCCESS");
  EXPECT_EQ(after(Fate::relayed, noon, false)[0].report, dsn::Action::relayed);
  EXPECT_FALSE(after(Fate::relayed, noon, true)[0].report);
  set_sender("");
  EXPECT_FALSE(after(Fate::relayed, noon, false)[0].report);
}

TEST_F(SettleTest, OneDelayNoticeAfterFourHours) {
  EXPECT_FALSE(after(Fate::deferred, noon + hours(3))[0].report);
  const auto told = after(Fate::deferred, noon + hours(4));
  EXPECT_EQ(told[0].report, dsn::Action::delayed);
  EXPECT_TRUE(told[0].after.delay_told);
  parcel.recipients[0] = told[0].after;
  EXPECT_FALSE(after(Fate::deferred, noon + hours(9))[0].report);
}

TEST_F(SettleTest, DelayIsNotToldWhereNotifyLeavesItOut) {
  set_notify("FAILURE");
  EXPECT_FALSE(after(Fate::deferred, noon + hours(5))[0].report);
  set_notify("NEVER");
  EXPECT_FALSE(after(Fate::deferred, noon + hours(5))[0].report);
}

TEST_F(SettleTest, TheScheduleIsKeptARecipientAndEndsAtExpiry) {
  TimePoint now = noon;
  std::vector<Duration> waits;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const Decision decision = after(Fate::deferred, now)[0];
    ASSERT_EQ(decision.kind, Decision::Kind::waits);
    waits.push_back(decision.after.not_before - now);
    parcel.recipients[0] = decision.after;
    now = decision.after.not_before;
  }
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const Duration step = policy.retry[std::min(i, policy.retry.size() - 1)];
    EXPECT_GE(waits[i], step) << "never before its time";
    EXPECT_LE(waits[i], step + step / retry_spread_share);
  }
  for (std::size_t i = 3; i < waits.size(); ++i) EXPECT_GE(waits[i], retry_spacing_later_min);
  while (true) {
    const Decision decision = after(Fate::deferred, now)[0];
    if (decision.kind != Decision::Kind::waits) {
      EXPECT_TRUE(decision.expired);
      EXPECT_EQ(now, parcel.recipients[0].expires) << "the last attempt is made when the time is over";
      EXPECT_EQ(decision.report, dsn::Action::failed);
      break;
    }
    parcel.recipients[0] = decision.after;
    now = decision.after.not_before;
    ASSERT_LE(now, noon + hours(121));
  }
}

TEST_F(SettleTest, MailsThatFailedTogetherComeBackApartAndRecipientsOfOneTogether) {
  constexpr std::size_t mails = 1000;
  constexpr std::size_t parts = 10;
  const Duration spread = policy.retry.front() / retry_spread_share;
  std::array<std::size_t, parts> in_part{};
  for (std::uint64_t id = 1; id <= mails; ++id) {
    parcel.recipients = {new_recipient(policy, MailId{id}, 0, "bob@beta.example", "beta.example", noon),
                         new_recipient(policy, MailId{id}, 1, "eve@beta.example", "beta.example", noon)};
    Delivery delivery;
    for (std::uint32_t index : {0u, 1u})
      delivery.recipients.push_back({index, Fate::deferred, Verdict{450, "4.2.0", "no", "mx.beta.example", true}});
    const auto decisions = decide(policy, parcel, delivery, noon);
    const Duration later = decisions[0].after.not_before - noon - policy.retry.front();
    ASSERT_TRUE(later >= Duration::zero() && later <= spread);
    EXPECT_EQ(decisions[1].after.not_before, decisions[0].after.not_before) << "one transaction for both";
    ++in_part[std::min<std::size_t>(static_cast<std::size_t>(later * parts / spread), parts - 1)];
  }
  for (const std::size_t count : in_part) {
    EXPECT_GT(count, mails / parts / 2);
    EXPECT_LT(count, mails / parts * 2);
  }
}

TEST_F(SettleTest, ReportsSayWhatTheRequestAskedFor) {
  auto changed = std::make_shared<Mail>(*mail);
  changed->row.envelope_id = "QQ+2B314";
  changed->row.ret = "FULL";
  changed->row.octets.size = 4000;
  parcel.mail = mail = changed;
  parcel.recipients[0].original = "rfc822;Bob+2Bx@beta.example";
  const auto report = report_for(*mail, after(Fate::failed, noon), "mx.alpha.example", noon);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->to, "ann@alpha.example");
  EXPECT_EQ(report->envelope_id, "QQ+314");
  EXPECT_EQ(report->returned, dsn::Return::full);
  EXPECT_EQ(report->reporting_mta, "mx.alpha.example");
  ASSERT_EQ(report->recipients.size(), 1u);
  EXPECT_EQ(report->recipients[0].original_recipient, "rfc822;Bob+2Bx@beta.example");
  EXPECT_EQ(report->recipients[0].status, "5.1.1");
  EXPECT_EQ(report->recipients[0].remote_mta, "mx.beta.example");
  EXPECT_EQ(report->recipients[0].diagnostic, "550 5.1.1 no");
}

TEST_F(SettleTest, DelayReportsReturnHeadersOnlyAndSayUntilWhen) {
  auto changed = std::make_shared<Mail>(*mail);
  changed->row.ret = "FULL";
  parcel.mail = mail = changed;
  const auto report = report_for(*mail, after(Fate::deferred, noon + hours(5)), "mx.alpha.example", noon + hours(5));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->returned, dsn::Return::headers);
  EXPECT_EQ(report->recipients[0].will_retry_until, noon + hours(120));
}

TEST_F(SettleTest, WaitingAtADeadHopExpiresAndIsToldWithoutAnAttempt) {
  const Verdict dead{0, "4.4.1", "no host could be reached", "", false};
  const storage::RecipientRow row = parcel.recipients[0];
  EXPECT_FALSE(decide_waiting(policy, *mail, row, dead, noon + hours(3)));
  EXPECT_EQ(next_deadline(policy, *mail, row), noon + hours(4));
  const auto delayed = decide_waiting(policy, *mail, row, dead, noon + hours(4));
  ASSERT_TRUE(delayed);
  EXPECT_EQ(delayed->report, dsn::Action::delayed);
  EXPECT_EQ(delayed->after.attempts, 0u);
  EXPECT_FALSE(decide_waiting(policy, *mail, delayed->after, dead, noon + hours(50)));
  EXPECT_EQ(next_deadline(policy, *mail, delayed->after), row.expires);
  const auto expired = decide_waiting(policy, *mail, delayed->after, dead, noon + hours(120));
  ASSERT_TRUE(expired);
  EXPECT_EQ(expired->kind, Decision::Kind::failed);
}

TEST_F(SettleTest, TheUnitRemovesRelayedWithoutConditionAndKeepsTheLeaseOfOthers) {
  parcel.recipients.push_back(new_recipient(policy, MailId{7}, 1, "eve@beta.example", "beta.example", noon));
  Delivery delivery;
  delivery.recipients = {{0, Fate::relayed, Verdict{250, "2.0.0", "ok", "mx.beta.example", true}, false},
                         {1, Fate::deferred, Verdict{451, "4.3.0", "later", "mx.beta.example", true}, false}};
  const auto unit = unit_for(*mail, decide(policy, parcel, delivery, noon), {}, {}, {}, noon);
  ASSERT_EQ(unit.preconditions.size(), 1u);
  EXPECT_EQ(std::get<storage::RecipientUnchanged>(unit.preconditions[0]).index, 1u);
  ASSERT_EQ(unit.mutations.size(), 3u);
  EXPECT_EQ(std::get<storage::RemoveRecipient>(unit.mutations[0]).index, 0u);
  EXPECT_EQ(std::get<storage::PutRecipient>(unit.mutations[1]).row.attempts, 1u);
  const std::string& story = std::get<storage::AppendStory>(unit.mutations[2]).row.steps;
  EXPECT_NE(story.find("relayed"), std::string::npos);
  EXPECT_NE(story.find("451 4.3.0 later"), std::string::npos);
}

TEST(Envelope, NotifyAndOriginalSurviveTheRow) {
  for (const char* text : {"NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE,DELAY"}) {
    const auto notify = smtp::Notify::parse(text);
    ASSERT_TRUE(notify);
    EXPECT_EQ(notify_from(notify_bits(*notify)), *notify) << text;
  }
  EXPECT_EQ(notify_from(0), smtp::Notify{});
  const smtp::OriginalRecipient original{"rfc822", "Bob+x=y@beta.example"};
  EXPECT_EQ(original_text(original), "rfc822;Bob+2Bx+3Dy@beta.example");
  EXPECT_EQ(original_from(original_text(original)), original);
}

TEST(Routes, SenderBeforeStreamBeforeDomain) {
  const auto route = [](std::string domain, std::string sender, std::string stream, std::string host) {
    config::Route made;
    made.domain = std::move(domain);
    made.sender = std::move(sender);
    made.stream = std::move(stream);
    made.host = std::move(host);
    return made;
  };
  const Routes routes({route("*", "", "", "any"), route(".beta.example", "", "", "below"),
                       route("beta.example", "", "", "exact"), route("", "", "bulk", "stream"),
                       route("", "ann@alpha.example", "", "ann")});
  const auto host = [&](std::string_view to, std::string_view from, std::string_view stream) {
    const config::Route* found = routes.find(routes.next_hop(to, from, stream));
    return found == nullptr ? std::string() : found->host;
  };
  EXPECT_EQ(host("bob@other.example", "", ""), "any");
  EXPECT_EQ(host("bob@x.beta.example", "", ""), "below");
  EXPECT_EQ(host("bob@BETA.example", "", ""), "exact");
  EXPECT_EQ(host("bob@beta.example", "", "bulk"), "stream");
  EXPECT_EQ(host("bob@beta.example", "ann@alpha.example", "bulk"), "ann");
  EXPECT_EQ(Routes{}.next_hop("Bob@Beta.Example", "", ""), "beta.example");
  EXPECT_EQ(Routes{}.next_hop("bob@[192.0.2.1]", "", ""), "[192.0.2.1]");
  EXPECT_EQ(routes.find("route:gone"), nullptr);
}

TEST(Operations, AFilterThatNamesARecipientMeansOnlyThatOne) {
  const Policy policy;
  Listed listed;
  listed.mail.id = MailId{7};
  listed.recipients = {new_recipient(policy, MailId{7}, 0, "bob@beta.example", "beta.example", noon),
                       new_recipient(policy, MailId{7}, 1, "eve@gamma.example", "gamma.example", noon)};
  EXPECT_EQ(plan_operation(Operation::drop, listed, "gamma.example", noon).size(), 1u);
  EXPECT_EQ(plan_operation(Operation::drop, listed, MailId{7}.text(), noon).size(), 2u);
  listed.recipients[0].domain = "route:domain beta.example";
  EXPECT_EQ(plan_operation(Operation::drop, listed, "Beta.example", noon).size(), 1u) << "it goes by a route";
  EXPECT_TRUE(plan_operation(Operation::release, listed, "", noon).empty());
  const auto held = plan_operation(Operation::hold, listed, "bob@beta.example", noon);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].after->state, storage::RecipientState::held);
  const auto unit = unit_for(Operation::hold, held, "the test", noon);
  EXPECT_NE(std::get<storage::AppendStory>(unit.mutations.back()).row.steps.find("the test"), std::string::npos);
}

}  // namespace
}  // namespace posthorn::queue
