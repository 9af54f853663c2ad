#include "flow/verification/remembered.h"

#include <gmock/gmock.h>

#include "flow/test_support/door_bed.h"

namespace posthorn::verification {
namespace {

using storage::DmarcRow;
using testing::StartsWith;

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);  // 2027-01-15 08:00
constexpr std::chrono::sys_days kDay = std::chrono::floor<std::chrono::days>(kStart);

// ---------------------------------------------------------------- from an observation to rows

struct Seen {
  std::string source = "192.0.2.1";
  bool passes = true;
  std::string mail_from_domain = "bounce.far.example";
  std::string selector = "s1";
};

/// What an observation refers to.
struct Judged {
  Verdicts verdicts;
  Decision decision;
};

Judged judged(const Seen& seen) {
  Judged made;
  dkim::VerifiedSignature signature;
  signature.result = seen.passes ? dkim::Result::pass : dkim::Result::fail;
  signature.domain = "far.example";
  signature.selector = seen.selector;
  signature.algorithm = "rsa-sha256";
  signature.key_bits = 2048;
  made.verdicts.dkim.push_back(std::move(signature));
  made.verdicts.session.emplace();
  made.verdicts.session->mail_from.result = spf::Result::softfail;
  made.verdicts.session->mail_from.domain = "bounce.far.example";
  made.verdicts.dmarc.policy = dmarc::Policy::reject;
  made.verdicts.dmarc.policy_domain = "far.example";
  made.verdicts.dmarc.rfc5322_from_domain = "news.far.example";
  made.verdicts.dmarc.record = "v=DMARC1; p=reject";
  made.verdicts.dmarc.dkim_aligned = seen.passes;
  if (!seen.passes) {
    made.decision.disposition = dmarc::Policy::quarantine;
    made.decision.override_type = Override::mailing_list;
    made.decision.indirect.sign = "List-Id: <dev.lists.example>\r\nInjected: yes";
  }
  return made;
}

Observation observation(const Judged& of, const Seen& seen, TimePoint at = kStart) {
  return {{},
          at,
          *IpAddress::parse(seen.source),
          "mx.far.example",
          seen.mail_from_domain,
          {"near.example"},
          of.verdicts,
          of.decision};
}

DmarcRow row_of(const Seen& seen) {
  const Judged of = judged(seen);
  return dmarc_row(observation(of, seen)).value();
}

TEST(DmarcRow, HasTheFieldsOfAReportsRow) {
  DmarcRow row = row_of({.passes = false});
  DmarcRow wanted;
  wanted.day = kDay;
  wanted.policy_domain = "far.example";
  wanted.digest = row.digest;
  wanted.count = 1;
  wanted.source_ip = "192.0.2.1";
  wanted.record = "v=DMARC1; p=reject";
  wanted.disposition = "quarantine";
  wanted.dkim = wanted.spf = "fail";
  wanted.override_type = "mailing_list";
  wanted.comment = "List-Id: <dev.lists.example>??Injected: yes";
  wanted.header_from = "news.far.example";
  wanted.envelope_from = "bounce.far.example";
  wanted.envelope_to = "near.example";
  wanted.dkim_results = {{"far.example", "s1", "fail"}};
  wanted.spf_scope = "mfrom";
  wanted.spf_domain = "bounce.far.example";
  wanted.spf_result = "softfail";
  EXPECT_EQ(row, wanted);
  EXPECT_EQ(row.digest.size(), 16u);
}

TEST(DmarcRow, OfMailThatPassedSaysSo) {
  EXPECT_EQ(row_of({}).disposition, "pass");
}

TEST(DmarcRow, OfANullSenderIsOfTheHeloName) {
  EXPECT_EQ(row_of({.mail_from_domain = ""}).spf_scope, "helo");
}

TEST(DmarcRow, DigestsTellRowsApart) {
  const std::string digest = row_of({}).digest;
  EXPECT_EQ(row_of({}).digest, digest);
  EXPECT_NE(row_of({.source = "2001:db8::1"}).digest, digest);
  EXPECT_NE(row_of({.passes = false}).digest, digest);
  EXPECT_NE(row_of({.selector = "s2"}).digest, digest);
}

TEST(DmarcRow, IsNotMadeWhereNobodyPublishedAPolicy) {
  EXPECT_EQ(dmarc_row(observation({}, {})), std::nullopt);
}

TEST(SelectorRow, IsOfValidSignaturesOnly) {
  const Judged good = judged({}), bad = judged({.passes = false});
  const auto rows = selector_rows(observation(good, {}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].domain, "far.example");
  EXPECT_EQ(rows[0].selector, "s1");
  EXPECT_EQ(rows[0].last_seen, kStart);
  EXPECT_TRUE(selector_rows(observation(bad, {})).empty());
}

// ---------------------------------------------------------------- with the story, at the door

constexpr const char* kZone =
    "1.2.0.192.in-addr.arpa. PTR mx.far.example.\n"
    "far.example. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "_dmarc.far.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.strict.example. TXT \"v=DMARC1; p=reject\"\n"
    "strict.example. TXT \"v=spf1 -all\"\n"
    ";; timeout down.example TXT\n"
    "_dmarc.down.example. TXT \"v=DMARC1; p=reject\"\n";

class AtTheDoor : public testing::Test {
 protected:
  AtTheDoor() {
    bed.observers = {&remembered};
    open();
    bed.domain("alpha.example");
    bed.account("ann@alpha.example");
  }
  void open() {
    config::Verification rules;
    rules.dns_failure = config::DnsFailure::defer;
    bed.verify_by(kZone, rules);
  }
  std::string send(const std::string& domain) {
    auto client = bed.call();
    static_cast<void>(client->say("EHLO mx.far.example"));
    static_cast<void>(client->say("MAIL FROM:<zoe@" + domain + ">"));
    static_cast<void>(client->say("RCPT TO:<ann@alpha.example>"));
    return client->data("From: zoe@" + domain + "\r\nMessage-ID: <m@" + domain + ">\r\n\r\nHello\r\n");
  }
  std::vector<DmarcRow> rows(const std::string& domain) {
    const auto today = std::chrono::floor<std::chrono::days>(bed.clock.now());
    return bed.wait(dmarc_rows(*bed.store, today, domain));
  }
  Remembered remembered;
  flow_test::DoorBed bed;
};

TEST_F(AtTheDoor, ARowStandsWithTheStoryOfAnAcceptedMessage) {
  ASSERT_THAT(send("far.example"), StartsWith("250 "));
  ASSERT_THAT(send("far.example"), StartsWith("250 "));
  bed.restart(0);  // as after a crash: nothing was flushed
  const auto found = rows("far.example");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].count, 2u);
  EXPECT_EQ(found[0].disposition, "pass");
  EXPECT_EQ(bed.stories("m@far.example").size(), 2u);
}

TEST_F(AtTheDoor, ARowOfARefusedMessageComesWithItsStoryAndNotBefore) {
  ASSERT_THAT(send("strict.example"), StartsWith("550 "));
  EXPECT_TRUE(rows("strict.example").empty());
  ASSERT_EQ(bed.stories("m@strict.example").size(), 1u) << "written by this question";
  const auto found = rows("strict.example");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].disposition, "reject");
}

TEST_F(AtTheDoor, WhatIsPutOffIsCountedWhenItComesAgain) {
  ASSERT_THAT(send("down.example"), StartsWith("451 "));
  ASSERT_EQ(bed.stories("m@down.example").size(), 1u) << "written by this question";
  EXPECT_TRUE(rows("down.example").empty());
}

TEST_F(AtTheDoor, AFullDiskLeavesNeitherStoryNorRow) {
  bed.restart(1ULL << 60);
  open();
  ASSERT_THAT(send("far.example"), StartsWith("452 "));
  bed.restart(0);
  EXPECT_TRUE(rows("far.example").empty());
}

TEST_F(AtTheDoor, RowsAreForgottenAfterFourteenDays) {
  const auto sweep = [this](TimePoint now) {
    bed.spawn(sweep_dmarc_rows(*bed.store, now));
    bed.loop.run_ready();
  };
  ASSERT_THAT(send("far.example"), StartsWith("250 "));
  sweep(bed.clock.now() + dmarc_rows_kept);
  EXPECT_EQ(rows("far.example").size(), 1u) << "the last day that is kept";
  const auto today = std::chrono::floor<std::chrono::days>(bed.clock.now());
  EXPECT_EQ(bed.wait(dmarc_policy_domains(*bed.store, today)), std::vector<std::string>{"far.example"});
  sweep(bed.clock.now() + dmarc_rows_kept + std::chrono::days(1));
  EXPECT_TRUE(rows("far.example").empty());
  EXPECT_TRUE(bed.wait(dmarc_policy_domains(*bed.store, today)).empty());
}

}  // namespace
}  // namespace posthorn::verification
