// Port 25 from the outside: what RCPT is answered, what never goes through, and the stories of what was refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"

namespace posthorn::reception {
namespace {

using flow_test::DoorBed;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kLetter = "From: Zoe <zoe@far.example>\r\nMessage-ID: <one@far.example>\r\n\r\nHello.\r\n";

class ReceptionTest : public testing::Test {
 protected:
  ReceptionTest() {
    bed.domain("alpha.example");
    bed.account("ann@alpha.example");
    bed.account("bob@alpha.example");
    caller = bed.call();
    static_cast<void>(caller->say("EHLO client.example"));
    static_cast<void>(caller->say("MAIL FROM:<zoe@far.example>"));
  }
  /// The reply to RCPT in the open transaction.
  std::string rcpt(const std::string& path) { return caller->say("RCPT TO:" + path); }
  std::string deliver(const std::vector<std::string>& to) { return bed.call()->mail("<zoe@far.example>", to, kLetter); }

  DoorBed bed;
  std::unique_ptr<flow_test::Caller> caller;
};

// ---------------------------------------------------------------- RCPT

TEST_F(ReceptionTest, UnknownUsersAreRefusedAtRcpt) {
  EXPECT_THAT(rcpt("<ann@alpha.example>"), StartsWith("250 2.1.5 "));
  EXPECT_THAT(rcpt("<nobody@alpha.example>"), StartsWith("550 5.1.1 "));
  EXPECT_THAT(rcpt("<annn@alpha.example>"), StartsWith("550 5.1.1 "));
  EXPECT_THAT(rcpt("<ANN@ALPHA.EXAMPLE>"), StartsWith("250 2.1.5 "));
}

TEST_F(ReceptionTest, RelayingIsDeniedInEveryDisguise) {
  // A domain of ours that is a name for somebody else's host, and addresses that hide the real destination.
  struct Case {
    const char* path;
    const char* reply;
  };
  const Case cases[] = {
      {"<victim@far.example>", "550 5.7.1 "},
      {"<victim@[192.0.2.99]>", "550 5.7.1 "},
      {"<victim@[IPv6:2001:db8::1]>", "550 5.7.1 "},
      {"<victim@sub.alpha.example>", "550 5.7.1 "},
      {"<victim@alpha.example.far.example>", "550 5.7.1 "},
      // RFC 5321 3.6.1: a source route is ignored, the last domain counts.
      {"<@alpha.example:victim@far.example>", "550 5.7.1 "},
      {"<@far.example,@alpha.example:victim@far.example>", "550 5.7.1 "},
      // The percent hack, bang paths, and "@" within quotes are plain local parts.
      {"<victim%far.example@alpha.example>", "550 5.1.1 "},
      {"<\"victim@far.example\"@alpha.example>", "550 5.1.1 "},
      {"<far.example!victim@alpha.example>", "550 5.1.1 "},
      {"<\"victim%far.example\"@alpha.example>", "550 5.1.1 "},
      {"<victim@far.example@alpha.example>", "501 "},
      {"<victim@far.example%alpha.example>", "501 "},
      {"<\"victim\"@far.example>", "550 5.7.1 "},
      {"<far.example!victim>", "501 "},
      {"<victim>", "501 "},
  };
  for (const Case& each : cases) {
    auto one = bed.call();
    static_cast<void>(one->say("EHLO client.example"));
    static_cast<void>(one->say("MAIL FROM:<ann@alpha.example>"));  // a sender of ours opens nothing
    const std::string reply = one->say(std::string("RCPT TO:") + each.path);
    EXPECT_THAT(reply, StartsWith(each.reply)) << each.path;
  }
  EXPECT_TRUE(bed.queue().empty());
}

TEST_F(ReceptionTest, ACatchAllDoesNotRelayEither) {
  bed.address("@alpha.example", "bob@alpha.example");
  EXPECT_THAT(deliver({"<victim%far.example@alpha.example>"}), StartsWith("250 "));
  EXPECT_TRUE(bed.queue().empty());
  EXPECT_EQ(bed.inbox("bob@alpha.example").size(), 1u);
}

TEST_F(ReceptionTest, NoAuthIsOfferedOrTaken) {
  EXPECT_THAT(bed.call()->say("EHLO client.example"), testing::Not(HasSubstr("AUTH")));
  EXPECT_THAT(bed.call()->plain("ann@alpha.example", "x"), StartsWith("5"));
}

TEST_F(ReceptionTest, PostmasterIsAlwaysThere) {
  for (const char* const path : {"<postmaster>", "<Postmaster>", "<POSTMASTER>", "<postmaster@alpha.example>",
                                 "<PostMaster@ALPHA.example>", "<abuse@alpha.example>", "<hostmaster@alpha.example>"})
    EXPECT_THAT(rcpt(path), StartsWith("250 2.1.5 ")) << path;
}

// RFC 5321 4.5.1: HELP and every report tell people to write there.
TEST_F(ReceptionTest, PostmasterIsThereAtTheHostsOwnName) {
  for (const char* const path : {"<postmaster@mx.alpha.example>", "<Mailer-Daemon@MX.Alpha.Example>"})
    EXPECT_THAT(rcpt(path), StartsWith("250 2.1.5 ")) << path;
  EXPECT_THAT(rcpt("<ann@mx.alpha.example>"), StartsWith("550 5.7.1 "));
  EXPECT_THAT(rcpt("<postmaster@mx.far.example>"), StartsWith("550 5.7.1 "));
  EXPECT_THAT(deliver({"<postmaster@mx.alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("ann@alpha.example").size(), 1U);
  EXPECT_TRUE(bed.queue().empty());
}

TEST_F(ReceptionTest, PostmasterIsThereThoughItsAccountIsSwitchedOff) {
  bed.account("postmaster@alpha.example");
  bed.apply(directory::set_account(bed.now(), "postmaster@alpha.example", {.enabled = false}));
  EXPECT_THAT(rcpt("<postmaster@alpha.example>"), StartsWith("250 2.1.5 "));
  EXPECT_THAT(rcpt("<postmaster>"), StartsWith("250 2.1.5 "));
}

// Whatever is wrong with a message, its peer is told the id of its story.
TEST_F(ReceptionTest, AMessageRefusedWhileItIsReadNamesItsStory) {
  EXPECT_THAT(rcpt("<ann@alpha.example>"), StartsWith("250 "));
  const std::string by_data = caller->data("Subject: x\r\n\r\na\nb\r\n");
  EXPECT_THAT(by_data, StartsWith("550 5.5.2 "));
  static_cast<void>(caller->say("MAIL FROM:<zoe@far.example>"));
  EXPECT_THAT(rcpt("<bob@alpha.example>"), StartsWith("250 "));
  const std::string by_chunk = caller->send("BDAT 3 LAST\r\na\nb");
  EXPECT_THAT(by_chunk, StartsWith("550 5.5.2 "));
  for (const std::string& reply : {by_data, by_chunk}) {
    const auto open = reply.rfind('('), close = reply.rfind(')');
    ASSERT_LT(open, close) << reply;
    EXPECT_THAT(bed.story(reply.substr(open + 1, close - open - 1)), HasSubstr("550 5.5.2 Message refused"));
  }
}

TEST_F(ReceptionTest, AFullMailboxIsTemporary) {
  bed.account("full@alpha.example", "", 1000);
  const std::string big = std::string(kLetter) + std::string(600, 'x') + "\r\n";
  EXPECT_THAT(bed.call()->mail("<>", {"<full@alpha.example>"}, big), StartsWith("250 "));
  EXPECT_THAT(rcpt("<full@alpha.example>"), StartsWith("250 ")) << "it may be overrun by one";
  EXPECT_THAT(bed.call()->mail("<>", {"<full@alpha.example>"}, big), StartsWith("250 "));
  EXPECT_THAT(rcpt("<full@alpha.example>"), StartsWith("452 4.2.2 "));
  EXPECT_THAT(rcpt("<ann@alpha.example>"), StartsWith("250 "));
}

TEST_F(ReceptionTest, TheSizeToldAtMailCountsAgainstTheQuota) {
  bed.account("full@alpha.example", "", 1000);
  static_cast<void>(caller->say("RSET"));
  static_cast<void>(caller->say("MAIL FROM:<zoe@far.example> SIZE=1001"));
  EXPECT_THAT(rcpt("<full@alpha.example>"), StartsWith("452 4.2.2 "));
  static_cast<void>(caller->say("RSET"));
  static_cast<void>(caller->say("MAIL FROM:<zoe@far.example> SIZE=1000"));
  EXPECT_THAT(rcpt("<full@alpha.example>"), StartsWith("250 "));
}

TEST_F(ReceptionTest, AGroupIsFullOnlyWhereAllItsMembersAre) {
  bed.account("full@alpha.example", "", 10);
  bed.group("small@alpha.example", {"full@alpha.example"});
  bed.group("team@alpha.example", {"full@alpha.example", "ann@alpha.example"});
  EXPECT_THAT(deliver({"<full@alpha.example>"}), StartsWith("250 "));
  EXPECT_THAT(rcpt("<small@alpha.example>"), StartsWith("452 4.2.2 "));
  EXPECT_THAT(deliver({"<team@alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("full@alpha.example").size(), 2u) << "nobody is left out silently";
}

TEST_F(ReceptionTest, DisabledParkedAndEmptyGroups) {
  bed.account("off@alpha.example");
  bed.group("quiet@alpha.example", {"off@alpha.example"});
  bed.apply(directory::set_account(bed.now(), "off@alpha.example", {.enabled = false}));
  bed.domain("parked.example", "parked");
  EXPECT_THAT(rcpt("<off@alpha.example>"), StartsWith("550 5.2.1 "));
  EXPECT_THAT(rcpt("<quiet@alpha.example>"), StartsWith("550 5.2.1 "));
  EXPECT_THAT(rcpt("<ann@parked.example>"), StartsWith("556 5.1.10 "));
}

TEST_F(ReceptionTest, DetailAliasesCatchAllAndNestedGroupsLeadToMailboxes) {
  bed.address("sales@alpha.example", "bob@alpha.example");
  bed.account("carl@alpha.example");
  bed.group("inner@alpha.example", {"bob@alpha.example", "carl@alpha.example"});
  bed.group("outer@alpha.example", {"ann@alpha.example", "sales@alpha.example", "inner@alpha.example"});
  EXPECT_THAT(deliver({"<ann+lists@alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("ann@alpha.example").size(), 1u);
  EXPECT_THAT(deliver({"<Sales@alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("bob@alpha.example").size(), 1u);
  EXPECT_THAT(deliver({"<outer@alpha.example>", "<bob@alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("ann@alpha.example").size(), 2u);
  EXPECT_EQ(bed.inbox("bob@alpha.example").size(), 2u) << "one copy, though three ways lead there";
  EXPECT_EQ(bed.inbox("carl@alpha.example").size(), 1u);
  EXPECT_THAT(rcpt("<anything@alpha.example>"), StartsWith("550 5.1.1 "));
  bed.address("@alpha.example", "carl@alpha.example");
  EXPECT_THAT(deliver({"<anything@alpha.example>"}), StartsWith("250 "));
  EXPECT_EQ(bed.inbox("carl@alpha.example").size(), 2u);
}

// ---------------------------------------------------------------- refused mail

/// The id at the end of a reply: "… (ID)".
std::string id_in(const std::string& reply) {
  const auto begin = reply.rfind('('), end = reply.rfind(')');
  return begin == std::string::npos || end < begin ? "" : reply.substr(begin + 1, end - begin - 1);
}

TEST_F(ReceptionTest, ARefusedRecipientHasAStoryFoundByIdAndAddress) {
  const std::string reply = rcpt("<Nobody@alpha.example>");
  const std::string id = id_in(reply);
  ASSERT_TRUE(MailId::parse(id)) << reply;
  static_cast<void>(caller->say("QUIT"));
  const auto stories = bed.stories(id);
  ASSERT_EQ(stories.size(), 1u);
  ASSERT_EQ(stories[0].recipients.size(), 1u);
  EXPECT_EQ(stories[0].recipients[0].state, "refused");
  EXPECT_THAT(stories[0].recipients[0].reply, StartsWith("550 5.1.1 "));
  EXPECT_EQ(bed.stories("nobody@alpha.example").size(), 1u);
  EXPECT_EQ(bed.stories("<zoe@far.example>").size(), 1u);
  EXPECT_THAT(bed.story(id), HasSubstr("192.0.2.7"));
}

TEST_F(ReceptionTest, TheGreetingTellsTheSessionThatStoriesName) {
  auto one = bed.call();
  const std::string greeting = one->heard();
  EXPECT_THAT(greeting, StartsWith("220 mx.alpha.example ESMTP Posthorn "));
  const std::string session = greeting.substr(36, greeting.size() - 38);
  EXPECT_THAT(one->mail("<zoe@far.example>", {"<ann@alpha.example>"}, kLetter), StartsWith("250 "));
  EXPECT_THAT(bed.story("<one@far.example>"), HasSubstr(session));
  EXPECT_THAT(bed.log_text, HasSubstr("session=" + session));
}

TEST_F(ReceptionTest, AMessageTooLargeByItsWordIsRefusedAtMailAndTold) {
  static_cast<void>(caller->say("RSET"));
  bed.limits.message_size_octets_max = 5000;
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  EXPECT_THAT(one->say("MAIL FROM:<yan@far.example> SIZE=5001"), StartsWith("552 5.3.4 "));
  EXPECT_THAT(bed.story("yan@far.example"), HasSubstr("552 5.3.4"));
}

TEST_F(ReceptionTest, AMessageTooLargeOnTheWayIsRefusedForItsRecipients) {
  bed.limits.message_size_octets_max = 5000;
  auto one = bed.call();
  EXPECT_THAT(
      one->mail("<yan@far.example>", {"<ann@alpha.example>"}, std::string(kLetter) + std::string(6000, 'x') + "\r\n"),
      StartsWith("552 5.3.4 "));
  const auto stories = bed.stories("yan@far.example");
  ASSERT_EQ(stories.size(), 1u);
  ASSERT_EQ(stories[0].recipients.size(), 1u);
  EXPECT_EQ(stories[0].recipients[0].address, "ann@alpha.example");
  EXPECT_EQ(stories[0].recipients[0].state, "refused");
  EXPECT_TRUE(bed.inbox("ann@alpha.example").empty());
}

TEST_F(ReceptionTest, ABrokenConnectionLeavesNothingButAStory) {
  static_cast<void>(rcpt("<ann@alpha.example>"));
  static_cast<void>(caller->say("DATA"));
  caller->hang_up();
  EXPECT_TRUE(bed.inbox("ann@alpha.example").empty());
  EXPECT_EQ(bed.stories("ann@alpha.example").size(), 1u);
}

TEST_F(ReceptionTest, SmugglingNeverMakesTwoMessages) {
  for (const char* const end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n\n.\r\n"}) {
    auto one = bed.call();
    static_cast<void>(one->say("EHLO client.example"));
    static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
    static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
    static_cast<void>(one->say("DATA"));
    static_cast<void>(one->send(std::string(kLetter) + "x" + end +
                                "MAIL FROM:<forged@alpha.example>\r\nRCPT TO:<bob@alpha.example>\r\nDATA\r\n"
                                "From: ceo@alpha.example\r\n\r\nsmuggled\r\n.\r\n"));
  }
  EXPECT_TRUE(bed.inbox("ann@alpha.example").empty());
  EXPECT_TRUE(bed.inbox("bob@alpha.example").empty());
}

TEST_F(ReceptionTest, AnUntoldTransactionLeavesNoStory) {
  static_cast<void>(rcpt("<ann@alpha.example>"));
  static_cast<void>(caller->say("RSET"));
  static_cast<void>(caller->say("QUIT"));
  EXPECT_TRUE(bed.stories("ann@alpha.example").empty());
  EXPECT_EQ(bed.journal->recorded(), 0u);
}

}  // namespace
}  // namespace posthorn::reception
