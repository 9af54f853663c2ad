// The server's own checks on virtual time: what counts as a finding, what is told and how often, how a start after a
// long sleep spreads its questions, and what a crash between any two writes leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/domains/policy_log.h"
#include "operations/inspection/watch_mail.h"
#include "operations/inspection/watcher.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/storage/reader.h"
#include "platform/test_support/store_support.h"

namespace posthorn::inspection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

const TimePoint kFirstCheck = from_unix_seconds(1'800'000'000);

CheckFinding finding(std::string id, FindingLevel level = FindingLevel::error) {
  return {{std::move(id), level, "it is wrong", "v=spf1 -all"}, "a.example", "", {}, std::nullopt, std::nullopt};
}

CheckReport report_at(TimePoint at, std::vector<CheckFinding> findings = {}) {
  CheckReport report;
  report.checked_at = at;
  report.findings = std::move(findings);
  return report;
}

std::vector<std::string> words_of(const std::vector<WatchEvent>& events) {
  std::vector<std::string> out;
  for (const WatchEvent& event : events) out.push_back(fmt::format("{} {}", text(event.what), event.id));
  return out;
}

// ---------------------------------------------------------------- the log

TEST(WatchLog, AFindingCountsWhenTwoChecksInARowHaveIt) {
  WatchLog log;
  EXPECT_TRUE(note_check(log, report_at(kFirstCheck, {finding("mx-cname")}), true).empty());
  EXPECT_EQ(log.count(FindingLevel::error), 0u);
  EXPECT_EQ(next_check(*log.last_check, log.quick_looks, 6h), kFirstCheck + 15min) << "it is made sure of soon";
  EXPECT_THAT(words_of(note_check(log, report_at(kFirstCheck + 15min, {finding("mx-cname")}), true)),
              ElementsAre("appeared mx-cname"));
  EXPECT_EQ(log.count(FindingLevel::error), 1u);
  EXPECT_EQ(log.findings[0].since, kFirstCheck);
  EXPECT_EQ(next_check(*log.last_check, log.quick_looks, 6h), kFirstCheck + 15min + 6h);
  EXPECT_TRUE(note_check(log, report_at(kFirstCheck + 7h, {finding("mx-cname")}), true).empty()) << "told once";
}

TEST(WatchLog, ALostPacketIsNoNews) {
  WatchLog log;
  note_check(log, report_at(kFirstCheck, {finding("ns-unreachable")}), true);
  EXPECT_TRUE(note_check(log, report_at(kFirstCheck + 15min), true).empty());
  EXPECT_TRUE(log.findings.empty());
  EXPECT_TRUE(log.events.empty());
}

TEST(WatchLog, AFindingIsMendedWhenTwoChecksInARowDoNotHaveIt) {
  WatchLog log;
  for (int i = 0; i < 2; ++i) note_check(log, report_at(kFirstCheck, {finding("mx-cname")}), true);
  EXPECT_TRUE(note_check(log, report_at(kFirstCheck + 6h), true).empty());
  EXPECT_EQ(log.count(FindingLevel::error), 1u) << "doubted only";
  EXPECT_TRUE(note_check(log, report_at(kFirstCheck + 7h, {finding("mx-cname")}), true).empty())
      << "it was there after all";
  note_check(log, report_at(kFirstCheck + 8h), true);
  EXPECT_THAT(words_of(note_check(log, report_at(kFirstCheck + 9h), true)), ElementsAre("mended mx-cname"));
  EXPECT_TRUE(log.findings.empty());
}

TEST(WatchLog, WhatWillNotSettleIsNotLookedAtForEverInHaste) {
  WatchLog log;
  TimePoint at = kFirstCheck;
  int quick = 0;
  for (int i = 0; i < 20; ++i) {
    note_check(log, report_at(at, i % 2 == 0 ? std::vector{finding("ns-disagree")} : std::vector{finding("ns-lame")}),
               true);
    const TimePoint next = next_check(at, log.quick_looks, 6h);
    quick += next == at + 15min ? 1 : 0;
    at = next;
  }
  EXPECT_EQ(quick, 2);
}

TEST(WatchLog, ACheckThatReachedNobodySaysNothingAboutTheRest) {
  WatchLog log;
  for (int i = 0; i < 2; ++i) note_check(log, report_at(kFirstCheck, {finding("mx-cname")}), true);
  CheckReport report = report_at(kFirstCheck + 6h, {finding("ns-unreachable")});
  report.problem = "no server answers";
  note_check(log, report, true);
  EXPECT_THAT(words_of(note_check(log, report, true)), ElementsAre("appeared ns-unreachable"));
  EXPECT_EQ(log.count(FindingLevel::error), 2u) << "mx-cname is not mended by our not seeing it";
  EXPECT_EQ(log.problem, "no server answers");
}

TEST(WatchLog, SurvivesItsJson) {
  WatchLog log;
  CheckFinding found = finding("ns-disagree", FindingLevel::warning);
  found.authoritative.push_back({"ns1.example (192.0.2.1)", "\"v=spf1 \xff\"", 300, 2026112201U});
  found.cached = "nothing (60 s left)";
  for (int i = 0; i < 2; ++i) note_check(log, report_at(kFirstCheck + 1h * i, {found}), true);
  note_told(log, kFirstCheck + 2h);
  const WatchLog again = parse_watch_log(watch_log_json(log));
  EXPECT_EQ(watch_log_json(again), watch_log_json(log));
  ASSERT_EQ(again.findings.size(), 1u);
  EXPECT_EQ(again.findings[0].found.authoritative[0].serial, 2026112201U);
  EXPECT_EQ(again.findings[0].sighting, Sighting::present);
  EXPECT_EQ(again.events[0].told, kFirstCheck + 2h);
  EXPECT_TRUE(parse_watch_log("[1").findings.empty());
}

TEST(WatchLog, Utf8StaysAsItIsAndWhatATerminalWouldActOnDoesNot) {
  WatchLog log;
  CheckFinding found = finding("spf-syntax");
  found.finding.reason =
      "b\xc3\xbc"
      "cher \xe2\x80\xa6";
  found.finding.correction =
      "\x1b[2J \xc2\x9b"
      "2J";
  for (int i = 0; i < 2; ++i) note_check(log, report_at(kFirstCheck, {found}), true);
  const WatchLog again = parse_watch_log(watch_log_json(parse_watch_log(watch_log_json(log))));
  EXPECT_EQ(again.findings[0].found.finding.reason, found.finding.reason);
  EXPECT_EQ(again.findings[0].found.finding.correction, "\\x1b[2J \\xc2\\x9b2J");
}

TEST(WatchLog, KeepsItsBounds) {
  WatchLog log;
  for (int i = 0; i < 2; ++i) {
    std::vector<CheckFinding> many;
    for (std::size_t n = 0; n < 2 * watch_findings_max; ++n) many.push_back(finding(fmt::format("id-{}", n)));
    note_check(log, report_at(kFirstCheck, many), true);
  }
  EXPECT_EQ(log.findings.size(), watch_findings_max);
  for (int round = 0; round < 4; ++round)
    for (int i = 0; i < 2; ++i)
      note_check(log, report_at(kFirstCheck, {finding(fmt::format("other-{}", round))}), true);
  EXPECT_LE(log.events.size(), watch_events_max);
}

TEST(WatchMail, TellsEachChangeInLinesThatAnyServerTakes) {
  CheckFinding key = finding("dkim-key-differs");
  key.finding.correction = "v=DKIM1; p=" + std::string(3000, 'A');
  WatchLog log;
  for (int i = 0; i < 2; ++i)
    note_check(log, report_at(kFirstCheck, {key, finding("spf-missing", FindingLevel::warning)}), true);
  const WatchLetter letter{MailId{7}, "postmaster@a.example", "mx.a.example", "a.example", kFirstCheck};
  const std::string mail = watch_mail(letter, log.events, 1);
  EXPECT_THAT(mail, HasSubstr("Subject: DNS of a.example: 1 new error, 1 new warning\r\n"));
  EXPECT_THAT(mail, HasSubstr("Auto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(mail, HasSubstr("error    dkim-key-differs  a.example\r\n"));
  EXPECT_THAT(mail, HasSubstr("posthorn domain watch a.example\r\n"));
  std::size_t begin = 0;
  for (std::size_t end = mail.find("\r\n"); end != std::string::npos; begin = end + 2, end = mail.find("\r\n", begin))
    EXPECT_LE(end - begin, 998u);
  EXPECT_EQ(begin, mail.size()) << "CRLF throughout";
  EXPECT_EQ(std::ranges::count(mail, '\n'), std::ranges::count(mail, '\r'));
  EXPECT_TRUE(std::ranges::all_of(mail, [](char c) { return static_cast<unsigned char>(c) < 128; }));
}

// ---------------------------------------------------------------- the watcher

class FakeEye final : public WatchEye {
 public:
  explicit FakeEye(runtime::Clock& clock) : clock_(clock) {}
  std::vector<Watched> domains() override { return all; }
  Task<Result<Look, Problem>> look(std::string domain) override {
    looks.emplace_back(clock_.now(), domain);
    if (const auto slow = takes.find(domain); slow != takes.end()) {
      const Duration time = slow->second;
      co_await clock_.wait_for(time);
    }
    if (down) co_return fail(Problem{ProblemKind::unavailable, domain, "no network", ""});
    CheckReport report = report_at(clock_.now(), findings[domain]);
    report.policy = policy;
    co_return Look{std::move(report), live};
  }
  [[nodiscard]] std::size_t looks_at(const std::string& domain) const {
    return static_cast<std::size_t>(std::ranges::count(looks, domain, &std::pair<TimePoint, std::string>::second));
  }
  std::vector<Watched> all{{"a.example", domains::State::enforcing, "postmaster@a.example"}};
  std::map<std::string, std::vector<CheckFinding>> findings;
  std::vector<std::pair<TimePoint, std::string>> looks;
  std::map<std::string, Duration> takes;  ///< how long their checks last
  std::optional<PolicyProbe> policy;      ///< what stands at the policy's address
  bool down = false, live = true;

 private:
  runtime::Clock& clock_;
};

/// Delivery's part: each message becomes a setting, so that only what was committed counts.
class FakeAcceptor final : public queue::Acceptor {
 public:
  Task<Result<storage::Unit, Problem>> plan(queue::OwnMessage message) override {
    ++planned;
    if (!refuse.empty()) co_return fail(Problem{ProblemKind::unavailable, "delivery", refuse, ""});
    storage::Unit unit;
    unit.mutations.emplace_back(
        storage::PutSetting{"mail/" + message.id.text(), message.recipient + "\n" + message.octets});
    co_return unit;
  }
  int planned = 0;
  std::string refuse;
};

class WatcherTest : public testing::Test {
 protected:
  WatcherTest() : clock(kFirstCheck), loop(clock), random(1), ids(clock, random), eye(clock) {
    loop.set_busy([this] { return store && store->pending() > 0; });
    open();
  }
  ~WatcherTest() override {
    end();
    store->close();
  }
  void open() {
    store = storage::testing::open_store(folder, &clock);
    group = std::make_unique<runtime::TaskGroup>("watch", runtime::Logger{});
    watcher = std::make_unique<Watcher>(
        Watcher::Surroundings{store.get(), &clock, &ids, &acceptor, &metrics, {}, &eye, group.get()}, options_of_watch);
  }
  void start() { runtime::spawn(*group, loop.executor(), "watch", watcher->run()); }
  void end() {
    group->cancel();
    loop.run_ready();
  }
  /// As after a crash: only what was committed is left.
  void reopen() {
    end();
    store->close();
    watcher.reset();
    store.reset();
    open();
  }
  std::vector<std::string> mails() {
    std::optional<std::vector<std::string>> out;
    auto question = [](storage::Reader& reader) {
      std::vector<std::string> found;
      for (auto& [key, value] : reader.settings("mail/", "", 1000)) found.push_back(value);
      return found;
    };
    runtime::spawn(*group, loop.executor(), "mails", storage::testing::await_into(store->read(question), out));
    EXPECT_TRUE(loop.run_until([&out] { return out.has_value(); }, clock.now() + 1s));
    return std::move(*out);
  }
  std::string setting(std::string key) {
    std::optional<std::string> out;
    auto question = [key = std::move(key)](storage::Reader& reader) { return reader.setting(key); };
    runtime::spawn(*group, loop.executor(), "setting", storage::testing::await_into(store->read(question), out));
    EXPECT_TRUE(loop.run_until([&out] { return out.has_value(); }, clock.now() + 1s));
    return std::move(*out);
  }

  storage::testing::TemporaryFolder folder;
  runtime::VirtualClock clock;
  runtime::VirtualLoop loop;
  runtime::SeededRandom random;
  runtime::IdSource ids;
  runtime::Metrics metrics;
  FakeEye eye;
  FakeAcceptor acceptor;
  WatchOptions options_of_watch{6h, true, "mx.a.example"};
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<runtime::TaskGroup> group;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(WatcherTest, ChecksOnScheduleAndTellsAChangeOnce) {
  start();
  loop.run_for(24h);
  EXPECT_EQ(eye.looks.size(), 4u) << "soon after the start, then every six hours";
  EXPECT_TRUE(mails().empty()) << "all is well";
  eye.findings["a.example"] = {finding("mx-cname")};
  loop.run_for(7h);
  ASSERT_EQ(mails().size(), 1u);
  EXPECT_THAT(mails()[0], testing::StartsWith("postmaster@a.example\n"));
  EXPECT_THAT(mails()[0], HasSubstr("1 new error"));
  EXPECT_THAT(metrics.exposition(), HasSubstr("posthorn_domains_findings{level=\"error\"} 1"));
  EXPECT_THAT(metrics.exposition(), HasSubstr("posthorn_domains_faulty 1"));
  loop.run_for(48h);
  EXPECT_EQ(mails().size(), 1u) << "once a change";
  eye.findings.clear();
  loop.run_for(7h);
  ASSERT_EQ(mails().size(), 2u);
  EXPECT_THAT(metrics.exposition(), HasSubstr("posthorn_domains_faulty 0"));
}

TEST_F(WatcherTest, AFaultThatComesAndGoesIsNoFlood) {
  start();
  for (int day = 0; day < 4; ++day) {
    for (int i = 0; i < 24; ++i) {
      eye.findings["a.example"] =
          (day * 24 + i) % 2 == 0 ? std::vector{finding("ns-lame"), finding("mx-cname")} : std::vector<CheckFinding>{};
      loop.run_for(1h);
    }
  }
  EXPECT_LE(mails().size(), 4 * watch_mails_per_day_max);
  WatchLog log;
  for (int i = 0; i < 12; ++i) {
    for (int twice = 0; twice < 2; ++twice)
      note_check(
          log,
          report_at(kFirstCheck + 1h * i, i % 2 == 0 ? std::vector{finding("ns-lame")} : std::vector<CheckFinding>{}),
          true);
    if (!due_to_tell(log, kFirstCheck + 1h * i).empty()) note_told(log, kFirstCheck + 1h * i);
  }
  EXPECT_EQ(std::ranges::count_if(log.events, [](const WatchEvent& event) { return event.told.has_value(); }),
            static_cast<std::ptrdiff_t>(watch_mails_per_day_max));
  EXPECT_EQ(due_to_tell(log, kFirstCheck + 25h).size(), 12 - watch_mails_per_day_max)
      << "the rest in one mail, a day later";
}

TEST_F(WatcherTest, DraftsAreNotToldOfAndMigratedDomainsNotLookedAt) {
  eye.all = {{"draft.example", domains::State::draft, "postmaster@draft.example"},
             {"gone.example", domains::State::migrated, "postmaster@a.example"}};
  eye.findings["draft.example"] = {finding("mx-missing")};
  start();
  loop.run_for(24h);
  EXPECT_GT(eye.looks_at("draft.example"), 3u);
  EXPECT_EQ(eye.looks_at("gone.example"), 0u);
  EXPECT_TRUE(mails().empty());
  EXPECT_EQ(parse_watch_log(setting(watch_log_key("draft.example"))).count(FindingLevel::error), 1u) << "recorded";
}

TEST_F(WatcherTest, NothingIsAskedWhereTheIntervalIsZeroAndAReloadTurnsItOn) {
  options_of_watch.interval = 0s;
  watcher->reconfigure(options_of_watch);
  start();
  loop.run_for(24h);
  EXPECT_TRUE(eye.looks.empty());
  options_of_watch.interval = 1h;
  watcher->reconfigure(options_of_watch);
  loop.run_for(2h);
  EXPECT_GE(eye.looks.size(), 2u);
}

TEST_F(WatcherTest, AStartAfterALongSleepSpreadsItsQuestions) {
  eye.all.clear();
  for (int i = 0; i < 40; ++i)
    eye.all.push_back({fmt::format("d{}.example", i), domains::State::enforcing, "postmaster@a.example"});
  start();
  loop.run_for(6h);
  EXPECT_EQ(eye.looks.size(), 40u);
  reopen();
  clock.advance(std::chrono::days(30));
  eye.looks.clear();
  start();
  const TimePoint woke = clock.now();
  loop.run_for(1h);
  ASSERT_EQ(eye.looks.size(), 40u) << "each once";
  EXPECT_GE(eye.looks.front().first, woke + watch_first_look_after);
  for (std::size_t i = 1; i < eye.looks.size(); ++i)
    EXPECT_GE(eye.looks[i].first - eye.looks[i - 1].first, watch_pace_max);
  for (const auto& watched : eye.all) EXPECT_EQ(eye.looks_at(watched.domain), 1u);
}

TEST_F(WatcherTest, AHundredDomainsAreCheckedWithinTheirIntervalThoughSomeTakeForEver) {
  eye.all.clear();
  for (int i = 0; i < 100; ++i)
    eye.all.push_back({fmt::format("d{}.example", i), domains::State::enforcing, "postmaster@a.example"});
  for (const int slow : {0, 1, 17, 50}) eye.takes[fmt::format("d{}.example", slow)] = std::chrono::days(30);
  eye.takes["d7.example"] = 20min;
  options_of_watch.interval = 1h;
  watcher->reconfigure(options_of_watch);
  start();
  loop.run_for(1h + watch_first_look_after);
  for (const auto& watched : eye.all) EXPECT_GE(eye.looks_at(watched.domain), 1u) << watched.domain;
  loop.run_for(9h);
  for (const auto& watched : eye.all) {
    const bool hangs = eye.takes.contains(watched.domain) && watched.domain != "d7.example";
    EXPECT_EQ(eye.looks_at(watched.domain) > 1, !hangs) << watched.domain;
    if (!eye.takes.contains(watched.domain)) EXPECT_GE(eye.looks_at(watched.domain), 9u) << watched.domain;
  }
}

TEST_F(WatcherTest, AStartSoonAfterAnotherAsksNothingAgain) {
  start();
  loop.run_for(1h);
  ASSERT_EQ(eye.looks.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    reopen();
    start();
    loop.run_for(1h);
  }
  EXPECT_EQ(eye.looks.size(), 1u) << "it is not due before six hours have passed";
  loop.run_for(3h);
  EXPECT_EQ(eye.looks.size(), 2u);
}

TEST_F(WatcherTest, ACrashBetweenRecordAndMailTellsItOnceAllTheSame) {
  eye.findings["a.example"] = {finding("mx-cname")};
  acceptor.refuse = "the store takes nothing now";  // as if it ended there
  start();
  loop.run_for(1h);
  EXPECT_GT(acceptor.planned, 0);
  EXPECT_TRUE(mails().empty());
  EXPECT_EQ(parse_watch_log(setting(watch_log_key("a.example"))).count(FindingLevel::error), 1u);
  reopen();
  acceptor.refuse.clear();
  start();
  loop.run_for(24h);
  EXPECT_EQ(mails().size(), 1u);
  reopen();
  start();
  loop.run_for(24h);
  EXPECT_EQ(mails().size(), 1u);
}

TEST_F(WatcherTest, ADomainThatCannotBeLookedAtKeepsWhatIsKnownAndIsNoEvidence) {
  start();
  loop.run_for(1h);
  const std::string before = setting(domains::checks_key("a.example"));
  EXPECT_EQ(domains::parse_checks(before).size(), 1u);
  eye.down = true;
  loop.run_for(24h);
  EXPECT_EQ(setting(domains::checks_key("a.example")), before);
  EXPECT_THAT(parse_watch_log(setting(watch_log_key("a.example"))).problem, HasSubstr("no network"));
  eye.down = false;
  eye.live = false;
  loop.run_for(24h);
  EXPECT_EQ(setting(domains::checks_key("a.example")), before) << "a zone file is not the world";
}

TEST_F(WatcherTest, APolicyThatOthersServeIsRemembered) {
  eye.policy.emplace();
  eye.policy->fetch.emplace();
  eye.policy->fetch->status = 200;
  eye.policy->fetch->review.valid = true;
  eye.policy->fetch->review.policy = {
      mta_sts::Mode::enforce, 86'400, {*mta_sts::MxPattern::parse("mx.provider.example")}};
  start();
  loop.run_for(7h);
  const domains::PolicyLog log = domains::parse_policy_log(setting(domains::policy_log_key("a.example")));
  ASSERT_EQ(log.entries.size(), 1u);
  EXPECT_TRUE(log.current()->elsewhere);
  EXPECT_TRUE(log.lacking_until("mx.new.example", clock.now())) << "the gate goes by it";
}

TEST_F(WatcherTest, TwoWeeksOfWatchingAreTheEvidenceThatARollOutAsksFor) {
  start();
  loop.run_for(std::chrono::days(15));
  const auto since = domains::clean_since(domains::parse_checks(setting(domains::checks_key("a.example"))), clock.now(),
                                          std::chrono::days(2));
  ASSERT_TRUE(since);
  EXPECT_GE(clock.now() - *since, std::chrono::days(14));
}

}  // namespace
}  // namespace posthorn::inspection
