// One calendar: what the road does, what caches and policies still hold, keys that roll over, the queue.
#include "operations/transition/timeline.h"

#include <gmock/gmock.h>

#include "operations/transition/key_states.h"
#include "operations/transition/road_fixture.h"

namespace posthorn::transition {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

const TimelineEvent* event(const std::vector<TimelineEvent>& events, std::string_view what) {
  for (const TimelineEvent& one : events)
    if (one.what.contains(what)) return &one;
  return nullptr;
}

TEST(Timeline, TellsT1T2CachesKeysAndTheQueueInOneOrder) {
  Situation s = situation_here(
      "a.example. 3600 MX 10 mx1.a.example.\n_mta-sts.a.example. 300 TXT \"v=STSv1; id=old\"\n"
      "mail.a.example. 3600 A 192.0.2.1\n");
  s.model.sts = domains::StsStage{mta_sts::Mode::enforce, 1'209'600};
  s.model.inbound.hosts = {{10, "mx2.a.example"}};
  s.policies.serve({mta_sts::Mode::enforce, 1'209'600, {*mta_sts::MxPattern::parse("mx1.a.example")}}, s.now - 24h);
  s.policies.fetched(s.now - 1h);
  s.around.queue_age_seconds_max = 432'000;
  s.queued = 3;
  keyring::DkimKey coming, old;
  coming.domain = old.domain = "a.example";
  coming.selector = "next", old.selector = "last";
  coming.state = keyring::KeyState::published, old.state = keyring::KeyState::retiring;
  coming.changed = s.now - 10min, old.changed = s.now - 24h;
  s.around.keys = {own_key_of(coming), own_key_of(old)};
  const auto events = timeline_of(s, plan_road(s));
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &TimelineEvent::at));

  const TimelineEvent* t1 = event(events, "T1:");
  ASSERT_NE(t1, nullptr);
  EXPECT_EQ(t1->at, s.now + 300s + daily_refresh);
  EXPECT_EQ(t1->kind, EventKind::safe);
  const TimelineEvent* t2 = event(events, "T2:");
  ASSERT_NE(t2, nullptr);
  EXPECT_EQ(t2->at, s.now + 1'209'600s) << "what is served may be fetched this very moment";
  ASSERT_NE(event(events, "keep mx1.a.example running"), nullptr);
  EXPECT_EQ(event(events, "keep mx1.a.example running")->at, t2->at + 3600s);

  ASSERT_NE(event(events, "DKIM key next"), nullptr);
  EXPECT_EQ(event(events, "DKIM key next")->at, coming.changed + key_absence_cached_max);
  ASSERT_NE(event(events, "DKIM key last"), nullptr);
  EXPECT_EQ(event(events, "DKIM key last")->at, old.changed + key_retired_at_least);
  ASSERT_NE(event(events, "what is queued now"), nullptr);
  EXPECT_EQ(event(events, "what is queued now")->at, s.now + 432'000s);
  EXPECT_THAT(event(events, "what is queued now")->why, HasSubstr("3 messages"));
}

TEST(Timeline, ATlsaRecordToComeNamesWhenItsKeyMayBeUsed) {
  Situation s = situation_here("");
  s.around.tlsa = {"3 1 1 " + std::string(64, 'a')};
  s.published.secure = true;
  const auto events = timeline_of(s, plan_road(s));
  const TimelineEvent* tlsa = event(events, "TLSA record 3 1 1");
  ASSERT_NE(tlsa, nullptr);
  EXPECT_EQ(tlsa->at, s.now + std::chrono::seconds(2 * domains::ttl_seconds_mail));
}

TEST(Timeline, NothingToDoIsAnEmptyCalendar) {
  Situation s = situation_here("");
  s.model.state = domains::State::migrated;
  EXPECT_TRUE(timeline_of(s, plan_road(s)).empty());
}

}  // namespace
}  // namespace posthorn::transition
