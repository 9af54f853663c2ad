// What acceptance stores: trace fields, shared octets, loops, reports, and what a full disk leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"

namespace posthorn::delivery {
namespace {

using flow_test::DoorBed;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t npos = std::string::npos;

class DeliveryTest : public testing::Test {
 protected:
  DeliveryTest() {
    bed.domain("alpha.example");
    for (const char* const name : {"ann", "bob", "carl"}) bed.account(std::string(name) + "@alpha.example");
  }
  std::string deliver(const std::vector<std::string>& to, const std::string& message,
                      const std::string& from = "<zoe@far.example>") {
    return bed.call()->mail(from, to, message);
  }
  std::string only(const std::string& account) {
    const auto stored = bed.inbox(account);
    EXPECT_EQ(stored.size(), 1u) << account;
    return stored.empty() ? "" : stored.front().octets;
  }
  DoorBed bed;
};

/// Folds undone, tabs as spaces.
std::string one_line(std::string text) {
  text = message::unfold(text);
  std::ranges::replace(text, '\t', ' ');
  return text;
}

/// The lines of a header, folds undone.
std::vector<std::string> fields(const std::string& message) {
  std::vector<std::string> out;
  for (const message::Field& field : message::Header::parse(message).fields())
    out.push_back(std::string(field.name) + ": " + one_line(field.unfolded()));
  return out;
}

// ---------------------------------------------------------------- trace

TEST_F(DeliveryTest, TraceFieldsStandOnTopInOrderAndOlderReturnPathsGo) {
  const std::string body = "\r\nHello.\r\n.dots\r\n..two\r\n\r\n";
  const std::string message =
      "Return-Path: <forged@far.example>\r\nReceived: from x by y; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
      "return-path:\r\n <again@far.example>\r\nSubject:  odd   spacing \r\nFrom: zoe@far.example\r\n" +
      body;
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, message), StartsWith("250 2.0.0 "));
  const std::string stored = only("ann@alpha.example");
  const auto lines = fields(stored);
  ASSERT_EQ(lines.size(), 6u) << stored;
  EXPECT_EQ(lines[0], "Return-Path: <zoe@far.example>");
  EXPECT_EQ(lines[1], "Delivered-To: ann@alpha.example");
  EXPECT_THAT(lines[2],
              StartsWith("Received: from client.example ([192.0.2.7]) by mx.alpha.example (Posthorn) with ESMTP id "));
  EXPECT_THAT(lines[2], HasSubstr(" for <ann@alpha.example>; Fri, 15 Jan 2027 08:00:00 +0000"));
  EXPECT_EQ(lines[3], "Received: from x by y; Thu, 1 Jan 2026 00:00:00 +0000");
  EXPECT_THAT(stored, testing::EndsWith("Subject:  odd   spacing \r\nFrom: zoe@far.example\r\n" + body));
}

TEST_F(DeliveryTest, TheNullSenderIsKept) {
  static_cast<void>(deliver({"<ann@alpha.example>"}, "Subject: x\r\n\r\n", "<>"));
  EXPECT_THAT(only("ann@alpha.example"), StartsWith("Return-Path: <>\r\n"));
}

TEST_F(DeliveryTest, TheWithKeywordTellsTheProtocol) {
  auto helo = bed.call();
  static_cast<void>(helo->say("HELO client.example"));
  static_cast<void>(helo->say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(helo->say("RCPT TO:<ann@alpha.example>"));
  EXPECT_THAT(helo->data("Subject: x\r\n\r\n"), StartsWith("250 "));
  EXPECT_THAT(one_line(only("ann@alpha.example")), HasSubstr(" with SMTP id"));
  auto utf8 = bed.call();
  static_cast<void>(utf8->say("EHLO client.example"));
  static_cast<void>(utf8->say("MAIL FROM:<zo\xc3\xab@far.example> SMTPUTF8"));
  static_cast<void>(utf8->say("RCPT TO:<bob@alpha.example>"));
  EXPECT_THAT(utf8->data("Subject: x\r\n\r\n"), StartsWith("250 "));
  EXPECT_THAT(one_line(only("bob@alpha.example")), HasSubstr(" with UTF8SMTP id"));
}

TEST_F(DeliveryTest, AHostileHelloCannotWriteFields) {
  auto one = bed.call();
  static_cast<void>(one->say("EHLO x) by evil (y;\tX-Evil: 1"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
  EXPECT_THAT(one->data("Subject: x\r\n\r\n"), StartsWith("250 "));
  const std::string stored = only("ann@alpha.example");
  EXPECT_EQ(fields(stored).size(), 4u) << stored;
  EXPECT_THAT(stored, HasSubstr("Received: from unknown "));
  EXPECT_THAT(stored, Not(HasSubstr(") by evil (")));
}

TEST_F(DeliveryTest, SeveralRecipientsShareOneContentAndNothingOfOneShowsInAnothersCopy) {
  const std::string message =
      "From: zoe@far.example\r\nTo: ann@alpha.example\r\n\r\n" + std::string(40'000, 'x') + "\r\n";
  EXPECT_THAT(deliver({"<ann@alpha.example>", "<bob@alpha.example>", "<carl@alpha.example>"}, message),
              StartsWith("250 "));
  const auto ann = bed.inbox("ann@alpha.example"), bob = bed.inbox("bob@alpha.example"),
             carl = bed.inbox("carl@alpha.example");
  ASSERT_EQ(ann.size() + bob.size() + carl.size(), 3u);
  EXPECT_EQ(ann[0].row.octets.content, bob[0].row.octets.content);
  EXPECT_EQ(ann[0].row.octets.content, carl[0].row.octets.content);
  EXPECT_NE(ann[0].row.email_id, bob[0].row.email_id);
  EXPECT_THAT(ann[0].octets, Not(testing::AnyOf(HasSubstr("bob"), HasSubstr("carl"), HasSubstr(" for <"))));
  EXPECT_THAT(bob[0].octets, Not(testing::AnyOf(HasSubstr("carl"), HasSubstr(" for <"))));
  EXPECT_EQ(ann[0].octets.substr(ann[0].octets.find("From:")), message);
  EXPECT_EQ(ann[0].row.octets.size, ann[0].octets.size());
}

TEST_F(DeliveryTest, TheReplyNamesTheStoryAndTheStoryTheMailbox) {
  const std::string reply = deliver({"<ann@alpha.example>"}, "Message-ID: <m@far.example>\r\n\r\n");
  const std::string id = reply.substr(reply.rfind(' ') + 1, reply.size() - reply.rfind(' ') - 3);
  const auto stories = bed.stories(id);
  ASSERT_EQ(stories.size(), 1u) << reply;
  EXPECT_EQ(stories[0].message_id, "m@far.example");
  ASSERT_EQ(stories[0].recipients.size(), 1u);
  EXPECT_EQ(stories[0].recipients[0].state, "mailbox");
  EXPECT_EQ(stories[0].recipients[0].where, "ann@alpha.example/INBOX");
  EXPECT_EQ(bed.stories("<m@far.example>").size(), 1u);
  EXPECT_EQ(bed.stories("ann@alpha.example").size(), 1u);
}

// ---------------------------------------------------------------- loops and limits

std::string with_received(int count) {
  std::string message;
  for (int i = 0; i < count; ++i) message += "Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
  return message + "From: zoe@far.example\r\n\r\nHello.\r\n";
}

TEST_F(DeliveryTest, AHundredHostsAreALoop) {
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, with_received(99)), StartsWith("250 "));
  EXPECT_THAT(deliver({"<bob@alpha.example>"}, with_received(100)), StartsWith("554 5.4.6 "));
  EXPECT_TRUE(bed.inbox("bob@alpha.example").empty());
  const auto stories = bed.stories("bob@alpha.example");
  ASSERT_EQ(stories.size(), 1u);
  EXPECT_EQ(stories[0].recipients.at(0).state, "refused");
}

TEST_F(DeliveryTest, WhatWasDeliveredHereBeforeIsALoop) {
  bed.address("sales@alpha.example", "ann@alpha.example");
  const std::string again = "Delivered-To: Ann@Alpha.example\r\nFrom: zoe@far.example\r\n\r\n";
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, again), StartsWith("554 5.4.6 "));
  EXPECT_THAT(deliver({"<sales+x@alpha.example>"}, again), StartsWith("554 5.4.6 "))
      << "the mailbox counts, not its name";
  EXPECT_THAT(deliver({"<bob@alpha.example>"}, again), StartsWith("250 "));
  // With others in the transaction one answer holds for all: the loop is told by a report, where the sender is known.
  bed.verify_by("far.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n");
  EXPECT_THAT(deliver({"<ann@alpha.example>", "<carl@alpha.example>"}, again), StartsWith("250 "));
  EXPECT_TRUE(bed.inbox("ann@alpha.example").empty());
  EXPECT_EQ(bed.inbox("carl@alpha.example").size(), 1u);
  ASSERT_EQ(bed.queue().size(), 1u);
  EXPECT_EQ(bed.queue()[0].sender, "");
  EXPECT_THAT(bed.octets(bed.queue()[0].octets), testing::AllOf(HasSubstr("Action: failed"), HasSubstr("5.4.6")));
}

TEST_F(DeliveryTest, ALoopOfAReportIsNotReported) {
  EXPECT_THAT(deliver({"<ann@alpha.example>", "<carl@alpha.example>"}, "Delivered-To: ann@alpha.example\r\n\r\n", "<>"),
              StartsWith("250 "));
  EXPECT_TRUE(bed.queue().empty());
  EXPECT_EQ(bed.stories("ann@alpha.example").at(0).recipients.at(0).state, "undeliverable");
}

TEST_F(DeliveryTest, AHeaderTooLargeIsRefused) {
  const std::string line = "X-Filler: " + std::string(980, 'x') + "\r\n";
  std::string header = "From: zoe@far.example\r\n";
  while (header.size() + line.size() <= 256 * KiB) header += line;
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, header + "\r\nx\r\n"), StartsWith("250 "));
  while (header.size() <= 256 * KiB) header += line;
  EXPECT_THAT(deliver({"<bob@alpha.example>"}, header + "\r\nx\r\n"), StartsWith("552 5.3.4 "));
  std::string many;
  for (int i = 0; i <= 10'001; ++i) many += "A:\r\n";
  EXPECT_THAT(deliver({"<bob@alpha.example>"}, many + "\r\n"), StartsWith("552 5.3.4 "));
  // Beyond what the store keeps of a header in memory, in a message that streams to a file.
  for (int i = 0; i < 2000; ++i) header += line;
  EXPECT_THAT(deliver({"<bob@alpha.example>"}, header + "\r\nx\r\n"), StartsWith("552 5.3.4 "));
  EXPECT_TRUE(bed.inbox("bob@alpha.example").empty());
}

TEST_F(DeliveryTest, AMessageThatStreamsToAFileIsStoredWhole) {
  const std::string line(998, 'y');
  std::string message =
      "Return-Path: <old@far.example>\r\nMessage-ID: <big@far.example>\r\nFrom: zoe@far.example\r\n\r\n";
  while (message.size() < 3 * MiB) message += line + "\r\n";
  EXPECT_THAT(deliver({"<ann@alpha.example>", "<bob@alpha.example>"}, message), StartsWith("250 "));
  const std::string stored = only("ann@alpha.example");
  EXPECT_TRUE(stored.ends_with(message.substr(message.find("Message-ID")))) << stored.size();
  EXPECT_EQ(stored.find("old@far.example"), npos);
  EXPECT_EQ(bed.stories("<big@far.example>").size(), 1u);
}

TEST_F(DeliveryTest, TheHeaderIsSeenWholeThoughMemoryIsShortFromTheFirstOctet) {
  bed.restart(0, 1);
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
  static_cast<void>(one->say("DATA"));
  // Piece by piece, so that streaming begins before the header is there.
  const std::string message =
      "Subject: x\r\nReturn-Path: <old@far.example>\r\nMessage-ID: <m@far.example>\r\n\r\nHello.\r\n";
  for (std::size_t at = 0; at < message.size(); at += 7) one->push(message.substr(at, 7));
  EXPECT_THAT(one->send(".\r\n"), StartsWith("250 "));
  const std::string stored = only("ann@alpha.example");
  EXPECT_EQ(stored.find("old@far.example"), npos) << stored;
  EXPECT_EQ(bed.stories("<m@far.example>").size(), 1u);
}

// ---------------------------------------------------------------- a full disk

TEST_F(DeliveryTest, AFullDiskIsTemporaryAndLeavesNothing) {
  bed.restart(std::uint64_t{1} << 60);
  const std::string reply = deliver({"<ann@alpha.example>"}, "From: zoe@far.example\r\n\r\nsmall\r\n");
  EXPECT_THAT(reply, StartsWith("452 4.3.1 "));
  std::string big = "From: zoe@far.example\r\n\r\n";
  while (big.size() < 3 * MiB) big += std::string(998, 'y') + "\r\n";
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, big), StartsWith("452 4.3.1 "));
  EXPECT_TRUE(bed.inbox("ann@alpha.example").empty());
  EXPECT_EQ(bed.journal->recorded(), 2u) << "the story is kept as soon as there is room";
  bed.restart(0);
  EXPECT_THAT(deliver({"<ann@alpha.example>"}, big), StartsWith("250 "));
}

TEST_F(DeliveryTest, AnAccountRemovedBetweenRcptAndTheDotIsTemporary) {
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(one->say("RCPT TO:<carl@alpha.example>"));
  bed.apply(directory::remove_account(bed.now(), "carl@alpha.example"));
  EXPECT_THAT(one->data("Subject: x\r\n\r\n"), StartsWith("451 4.2.1 "));
  EXPECT_THAT(deliver({"<carl@alpha.example>"}, "Subject: x\r\n\r\n"), StartsWith("550 5.1.1 "));
}

// ---------------------------------------------------------------- reports

TEST_F(DeliveryTest, SuccessIsReportedWhereAskedFor) {
  bed.group("team@alpha.example", {"ann@alpha.example", "bob@alpha.example"});
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example> RET=HDRS ENVID=QQ314159"));
  static_cast<void>(one->say("RCPT TO:<carl@alpha.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Carl@alpha.example"));
  static_cast<void>(one->say("RCPT TO:<team@alpha.example> NOTIFY=SUCCESS"));
  static_cast<void>(one->say("RCPT TO:<bob@alpha.example> NOTIFY=NEVER"));
  EXPECT_THAT(one->data("From: zoe@far.example\r\nSubject: x\r\n\r\nbody text\r\n"), StartsWith("250 "));
  ASSERT_EQ(bed.queue().size(), 1u);
  const auto report = bed.queue()[0];
  EXPECT_EQ(report.sender, "") << "never a bounce to a bounce";
  ASSERT_EQ(bed.queued(report.id).size(), 1u);
  EXPECT_EQ(bed.queued(report.id)[0].address, "zoe@far.example");
  const std::string octets = bed.octets(report.octets);
  EXPECT_THAT(octets, HasSubstr("Original-Envelope-Id: QQ314159"));
  EXPECT_THAT(octets, HasSubstr("Original-Recipient: rfc822; Carl@alpha.example"));
  EXPECT_THAT(octets, HasSubstr("Action: delivered"));
  EXPECT_THAT(octets, HasSubstr("Action: expanded"));
  EXPECT_THAT(octets, Not(HasSubstr("bob@alpha.example")));
  EXPECT_THAT(octets, Not(HasSubstr("body text")));
}

TEST_F(DeliveryTest, NobodyIsToldWhereTheSenderIsNull) {
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<>"));
  static_cast<void>(one->say("RCPT TO:<carl@alpha.example> NOTIFY=SUCCESS"));
  EXPECT_THAT(one->data("Subject: x\r\n\r\n"), StartsWith("250 "));
  EXPECT_TRUE(bed.queue().empty());
  EXPECT_EQ(bed.inbox("carl@alpha.example").size(), 1u);
}

}  // namespace
}  // namespace posthorn::delivery
