// What leaves is signed: by whom, over what, and that every verifier agrees, for submitted mail, for reports of our
// own, and for messages that come in pieces or are long.
#include "flow/signing/signing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"
#include "standards/dkim/key_record.h"
#include "standards/dkim/verify.h"
#include "standards/dns/zone.h"

namespace posthorn::signing {
namespace {

using flow_test::DoorBed;
using keyring::KeyState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kPassword = "correct-horse-battery";

class SigningTest : public testing::Test {
 protected:
  SigningTest() {
    bed.domain("alpha.example");
    bed.domain("two.example");
    bed.account("ann@alpha.example", kPassword);
    bed.account("bob@alpha.example");
    bed.account("eve@two.example", kPassword);
  }
  std::unique_ptr<flow_test::Caller> author(const std::string& who = "ann@alpha.example") {
    return bed.author(who, kPassword);
  }
  std::string queued_octets(std::size_t which = 0) { return bed.octets(bed.queue().at(which).octets); }

  /// What a verifier says of the message, with the records of our keys in the DNS: "pass alpha.example ed25519-sha256".
  std::vector<std::string> verdicts(const std::string& message) {
    std::string zone;
    for (const std::string& domain : bed.keyring->domains())
      for (const keyring::KeyRecord& record : bed.keyring->records_of(domain)) {
        zone += record.name + ". TXT";
        for (const std::string& part : dkim::txt_strings(record.text)) zone += fmt::format(" \"{}\"", part);
        zone += "\n";
      }
    dns::ZoneFileResolver resolver(*dns::Zone::parse(zone));
    dkim::MessageScan scan;
    scan.feed(message);
    scan.finish();
    std::vector<std::string> texts;
    for (const auto& verified : bed.wait(dkim::verify(scan, resolver, bed.clock.now())))
      texts.push_back(fmt::format("{} {} {}", dkim::text(verified.result), verified.domain, verified.algorithm));
    return texts;
  }
  static constexpr auto kBoth = [](const char* domain) {
    return std::vector<std::string>{fmt::format("pass {} rsa-sha256", domain),
                                    fmt::format("pass {} ed25519-sha256", domain)};
  };

  DoorBed bed;
};

constexpr const char* kLetter =
    "From: Ann <ann@alpha.example>\r\nTo: zoe@far.example\r\nSubject: x\r\nBcc: secret@far.example\r\n\r\nHello.  \r\n"
    "\r\n\r\n";

TEST_F(SigningTest, SubmittedMailBearsBothSignaturesOfItsFromDomain) {
  const auto keys = bed.keys("alpha.example");
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>", "<bob@alpha.example>"}, kLetter),
              StartsWith("250 "));
  EXPECT_EQ(verdicts(queued_octets()), kBoth("alpha.example"));
  EXPECT_EQ(verdicts(bed.inbox("bob@alpha.example").at(0).octets), kBoth("alpha.example")) << "local copies, too";
  EXPECT_EQ(bed.queue().at(0).signed_with, fmt::format("{} {}", keys[0].signature_name(), keys[1].signature_name()));
  EXPECT_THAT(queued_octets(), Not(HasSubstr("secret@")));
  const std::string story = bed.story("zoe@far.example");
  EXPECT_THAT(story, HasSubstr("signed with DKIM"));
  EXPECT_THAT(story, HasSubstr(keys[0].selector));
}

TEST_F(SigningTest, WhatSubmissionAddsIsSignedAndOversigned) {
  static_cast<void>(bed.keys("alpha.example"));
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, kLetter), StartsWith("250 "));
  const std::string message = queued_octets();
  ASSERT_THAT(message, AllOf(HasSubstr("\r\nDate: "), HasSubstr("\r\nMessage-ID: ")));
  for (const char* const field : {"Subject: other", "From: ceo@alpha.example", "Reply-To: x@far.example",
                                  "Content-Type: text/html", "List-Unsubscribe: <https://far.example>"})
    EXPECT_THAT(verdicts(std::string(field) + "\r\n" + message), testing::Each(StartsWith("fail"))) << field;
  EXPECT_EQ(verdicts("Received: from relay.example by far.example; Thu, 1 Jan 2026 00:00:00 +0000\r\nX-Other: y\r\n" +
                     message),
            kBoth("alpha.example"))
      << "what relays add must not matter";
}

TEST_F(SigningTest, TheDomainOfFromSignsNotTheEnvelopes) {
  static_cast<void>(bed.keys("alpha.example"));
  static_cast<void>(bed.keys("two.example"));
  bed.address("ann@two.example", "ann@alpha.example");
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"},
                             "From: ann@TWO.example\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nx\r\n"),
              StartsWith("250 "));
  EXPECT_EQ(verdicts(queued_octets()), kBoth("two.example"));
}

TEST_F(SigningTest, ADomainWithoutASigningKeyLeavesUnsignedAndTheStorySaysWhy) {
  static_cast<void>(bed.keys("two.example"));
  static_cast<void>(bed.keys("alpha.example", KeyState::published));
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, kLetter), StartsWith("250 "));
  EXPECT_THAT(queued_octets(), Not(HasSubstr("DKIM-Signature")));
  EXPECT_EQ(bed.queue().at(0).signed_with, "");
  const std::string story = bed.story("zoe@far.example");
  EXPECT_THAT(story, HasSubstr("not signed"));
  EXPECT_THAT(story, HasSubstr("posthorn domain keys alpha.example"));
}

TEST_F(SigningTest, RetiredAndRevokedKeysSignNoMore) {
  static_cast<void>(bed.keys("alpha.example", KeyState::retiring));
  static_cast<void>(bed.keys("alpha.example", KeyState::revoked));
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, kLetter), StartsWith("250 "));
  EXPECT_THAT(queued_octets(), Not(HasSubstr("DKIM-Signature")));
}

TEST_F(SigningTest, LongMessagesAreHashedWhileTheyArrive) {
  static_cast<void>(bed.keys("alpha.example"));
  std::string letter = "From: ann@alpha.example\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n";
  while (letter.size() < 3 * MiB) letter += fmt::format("line {} with  some\twhite space \r\n", letter.size());
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, letter), StartsWith("250 "));
  const auto queue = bed.queue();
  ASSERT_EQ(queue.size(), 1u);
  EXPECT_EQ(verdicts(bed.octets(queue[0].octets)), kBoth("alpha.example"));
}

TEST_F(SigningTest, AMessageOfNothingButAHeader) {
  static_cast<void>(bed.keys("alpha.example"));
  ASSERT_THAT(author()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, "From: ann@alpha.example\r\n\r\n"),
              StartsWith("250 "));
  EXPECT_EQ(verdicts(queued_octets()), kBoth("alpha.example"));
}

TEST_F(SigningTest, MessagesOfTheCommandLineAreSigned) {
  static_cast<void>(bed.keys("alpha.example"));
  ASSERT_TRUE(bed.wait(bed.submission->submit_local(
      {"ann@alpha.example", {"zoe@far.example"}, "From: ann@alpha.example\n\nHello.\n", "root"})));
  EXPECT_EQ(verdicts(queued_octets()), kBoth("alpha.example"));
}

TEST_F(SigningTest, MailFromOutsideIsNotSignedByUs) {
  static_cast<void>(bed.keys("alpha.example"));
  ASSERT_THAT(bed.call()->mail("<zoe@far.example>", {"<bob@alpha.example>"}, "From: ann@alpha.example\r\n\r\nx\r\n"),
              StartsWith("250 "));
  EXPECT_THAT(bed.inbox("bob@alpha.example").at(0).octets, Not(HasSubstr("DKIM-Signature")));
}

// ---------------------------------------------------------------- reports

queue::OwnMessage report(DoorBed& bed, const std::string& from) {
  queue::OwnMessage message;
  message.id = bed.ids.make<MailId>();
  message.recipient = "zoe@far.example";
  message.octets = "From: Mail Delivery System <MAILER-DAEMON@" + from +
                   ">\r\nTo: zoe@far.example\r\nSubject: returned\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
                   "Message-ID: <1@" +
                   from + ">\r\n\r\nIt could not be delivered.\r\n";
  return message;
}

TEST_F(SigningTest, ReportsAreSignedByTheDomainTheHostLiesIn) {
  const auto keys = bed.keys("alpha.example");
  auto unit = bed.wait(bed.delivery->plan(report(bed, "mx.alpha.example")));
  ASSERT_TRUE(unit);
  const auto committed = bed.wait(bed.store->commit(std::move(*unit)));
  ASSERT_TRUE(committed);
  EXPECT_EQ(verdicts(queued_octets()), kBoth("alpha.example"));
  EXPECT_THAT(bed.queue().at(0).signed_with, HasSubstr(keys[1].signature_name()));
}

TEST_F(SigningTest, ReportsOfAHostOutsideEveryDomainAreNot) {
  static_cast<void>(bed.keys("alpha.example"));
  auto unit = bed.wait(bed.delivery->plan(report(bed, "mx.provider.example")));
  ASSERT_TRUE(unit);
  ASSERT_TRUE(bed.wait(bed.store->commit(std::move(*unit))));
  EXPECT_THAT(queued_octets(), Not(HasSubstr("DKIM-Signature")));
  EXPECT_THAT(bed.story("zoe@far.example"), HasSubstr("lies in no domain here"));
}

// ---------------------------------------------------------------- the body hash

TEST(BodyHashTest, DoesNotDependOnWhereTheOctetsWereCut) {
  const std::string message = "From: a@b.example\r\nX: y\r\n\r\n line  one \r\n\r\nline two\r\n\r\n\r\n";
  BodyHash whole;
  whole.feed(message);
  const std::string wanted = whole.finish();
  EXPECT_EQ(wanted.size(), 32u);
  for (std::size_t piece = 1; piece < 9; ++piece) {
    BodyHash cut;
    for (std::size_t at = 0; at < message.size(); at += piece) cut.feed(std::string_view(message).substr(at, piece));
    EXPECT_EQ(cut.finish(), wanted) << "in pieces of " << piece;
  }
}

}  // namespace
}  // namespace posthorn::signing
