// Ports 587 and 465 from the outside: logins, sender authority, the mends of RFC 6409, limits, and what never shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"
#include "foundation/codec/base64.h"

namespace posthorn::submission {
namespace {

using flow_test::Caller;
using flow_test::DoorBed;
using smtp::server::Role;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kPassword = "correct-horse-battery";
constexpr const char* kLetter =
    "From: Ann <ann@alpha.example>\r\nTo: bob@alpha.example\r\nSubject: x\r\n\r\nHello.\r\n";

class SubmissionTest : public testing::Test {
 protected:
  SubmissionTest() {
    bed.domain("alpha.example");
    bed.domain("two.example");
    bed.account("ann@alpha.example", kPassword);
    bed.account("bob@alpha.example", "bobs-own-password");
    bed.account("eve@two.example", "eves-own-password");
  }
  ~SubmissionTest() override {
    // STYLE 20: no secret in any log line, whatever the test did.
    for (const char* const secret : {kPassword, "bobs-own-password", "eves-own-password"}) {
      EXPECT_THAT(bed.log_text, Not(HasSubstr(secret)));
      EXPECT_THAT(bed.log_text, Not(HasSubstr(codec::base64_encode(secret))));
    }
  }
  /// A session on 465 with its EHLO said.
  std::unique_ptr<Caller> encrypted() {
    auto caller = bed.call(Role::submissions);
    EXPECT_TRUE(caller->start_tls());
    static_cast<void>(caller->say("EHLO client.example"));
    return caller;
  }
  std::unique_ptr<Caller> ann() { return bed.author("ann@alpha.example", kPassword); }
  /// The reply to a message of Ann's with this header.
  std::string send(const std::string& header, const std::string& from = "<ann@alpha.example>") {
    return ann()->mail(from, {"<bob@alpha.example>"}, header + "\r\nHello.\r\n");
  }
  DoorBed bed;
};

// ---------------------------------------------------------------- logins

TEST_F(SubmissionTest, NothingBeforeTls) {
  auto caller = bed.call(Role::submission);
  const std::string offer = caller->say("EHLO client.example");
  EXPECT_THAT(offer, HasSubstr("STARTTLS"));
  EXPECT_THAT(offer, Not(HasSubstr("AUTH")));
  EXPECT_THAT(caller->plain("ann@alpha.example", kPassword), testing::AnyOf(StartsWith("538 "), StartsWith("530 ")));
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example>"), StartsWith("530 5.7.0 "));
}

TEST_F(SubmissionTest, NothingBeforeAuthentication) {
  auto caller = encrypted();
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example>"), StartsWith("530 5.7.0 "));
  EXPECT_THAT(caller->say("RCPT TO:<bob@alpha.example>"), StartsWith("5"));
}

TEST_F(SubmissionTest, TheMainPasswordOpensWithPlainAndLogin) {
  EXPECT_THAT(encrypted()->plain("ann@alpha.example", kPassword), StartsWith("235 2.7.0 "));
  auto caller = encrypted();
  EXPECT_THAT(caller->say("AUTH LOGIN"), StartsWith("334 "));
  EXPECT_THAT(caller->say(codec::base64_encode("Ann@Alpha.example")), StartsWith("334 "));
  EXPECT_THAT(caller->say(codec::base64_encode(kPassword)), StartsWith("235 2.7.0 "));
}

// RFC 4954 4: a response of 12288 octets fits, alone and behind AUTH.
TEST_F(SubmissionTest, LongResponsesAreRead) {
  const std::string longest(12288, 'A');
  auto caller = encrypted();
  EXPECT_THAT(caller->say("AUTH PLAIN " + longest), StartsWith("501 5.5.2 "));
  EXPECT_THAT(caller->say("AUTH PLAIN"), StartsWith("334 "));
  EXPECT_THAT(caller->say(longest), StartsWith("501 5.5.2 "));
  EXPECT_THAT(caller->say("AUTH PLAIN"), StartsWith("334 "));
  EXPECT_THAT(caller->say(longest + std::string(100, 'A')), StartsWith("500 5.5.6 "));
}

TEST_F(SubmissionTest, TheMainPasswordHasNoScramVerifier) {
  EXPECT_THAT(encrypted()->scram("ann@alpha.example", kPassword, false), StartsWith("535 5.7.8 "));
}

TEST_F(SubmissionTest, AnApplicationLoginOpensWithScramAndItsBinding) {
  const auto phone = bed.login("ann@alpha.example", "phone", "smtp");
  EXPECT_THAT(encrypted()->scram(phone.name, phone.secret, false), StartsWith("235 "));
  auto caller = encrypted();
  EXPECT_THAT(caller->scram(phone.name, phone.secret, true), StartsWith("235 "));
  EXPECT_THAT(caller->mail("<ann@alpha.example>", {"<bob@alpha.example>"}, kLetter), StartsWith("250 "));
  EXPECT_THAT(encrypted()->scram(phone.name, "wrong", true), StartsWith("535 5.7.8 "));
  EXPECT_THAT(encrypted()->plain("ann@alpha.example", phone.secret), StartsWith("235 "));
  EXPECT_THAT(bed.log_text, Not(HasSubstr(phone.secret)));
}

TEST_F(SubmissionTest, WrongAndUnknownGetTheSameWords) {
  const std::string wrong = encrypted()->plain("ann@alpha.example", "not-it");
  EXPECT_THAT(wrong, StartsWith("535 5.7.8 "));
  EXPECT_EQ(encrypted()->plain("nobody@alpha.example", "not-it"), wrong);
  EXPECT_EQ(encrypted()->plain("ann@nowhere.example", kPassword), wrong);
  bed.apply(directory::set_account(bed.now(), "bob@alpha.example", {.enabled = false}));
  EXPECT_EQ(encrypted()->plain("bob@alpha.example", "bobs-own-password"), wrong);
  const auto reader = bed.login("ann@alpha.example", "reader", "imap");
  EXPECT_EQ(encrypted()->plain(reader.name, reader.secret), wrong) << "out of scope";
  // SCRAM has words of its own, which tell a person with a main password what to do; they are the same for all as well.
  const std::string scram = encrypted()->scram("nobody@alpha.example", "x", true);
  EXPECT_THAT(scram, HasSubstr("a main password needs PLAIN"));
  EXPECT_EQ(encrypted()->scram("ann@alpha.example", kPassword, true), scram) << "no verifier";
  EXPECT_EQ(encrypted()->scram(reader.name, "wrong", true), scram);
  // The reason is for the administrator.
  EXPECT_THAT(bed.log_text, HasSubstr("switched off"));
  EXPECT_THAT(bed.log_text, HasSubstr("not for this protocol"));
}

TEST_F(SubmissionTest, AnOutOfScopeLoginThatProvedItselfMayNotSend) {
  const auto reader = bed.login("ann@alpha.example", "reader", "imap");
  auto caller = encrypted();
  static_cast<void>(caller->scram(reader.name, reader.secret, true));
  const std::string reply = caller->say("MAIL FROM:<ann@alpha.example>");
  EXPECT_THAT(reply, StartsWith("530 5.7.0 "));
  EXPECT_THAT(reply, HasSubstr("not for this protocol"));
}

TEST_F(SubmissionTest, NobodyActsAsSomebodyElse) {
  using namespace std::string_literals;
  auto caller = encrypted();
  const std::string as_bob = "bob@alpha.example\0ann@alpha.example\0"s + kPassword;
  EXPECT_THAT(caller->say("AUTH PLAIN " + codec::base64_encode(as_bob)), StartsWith("535 "));
  EXPECT_THAT(caller->say("MAIL FROM:<bob@alpha.example>"), StartsWith("530 "));
}

TEST_F(SubmissionTest, RevokingALoginEndsItsSessionsAndNoOthers) {
  const auto phone = bed.login("ann@alpha.example", "phone", "smtp");
  const auto laptop = bed.login("ann@alpha.example", "laptop", "smtp");
  auto one = bed.author(phone.name, phone.secret);
  auto two = bed.author(laptop.name, laptop.secret);
  auto three = ann();
  static_cast<void>(one->say("NOOP"));
  bed.apply(directory::revoke_login(bed.now(), phone.name));
  bed.loop.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(one->ended());
  EXPECT_THAT(one->heard(), HasSubstr("421 "));
  EXPECT_THAT(two->say("NOOP"), StartsWith("250 "));
  EXPECT_THAT(three->say("NOOP"), StartsWith("250 "));
  EXPECT_THAT(encrypted()->plain(phone.name, phone.secret), StartsWith("535 "));
}

TEST_F(SubmissionTest, AMessageOnItsWayWhenTheLoginIsRevokedIsNotTaken) {
  const auto phone = bed.login("ann@alpha.example", "phone", "smtp");
  auto one = bed.author(phone.name, phone.secret);
  static_cast<void>(one->say("MAIL FROM:<ann@alpha.example>"));
  static_cast<void>(one->say("RCPT TO:<bob@alpha.example>"));
  static_cast<void>(one->say("DATA"));
  one->push(kLetter);
  bed.apply(directory::revoke_login(bed.now(), phone.name));
  bed.loop.run_ready();
  EXPECT_THAT(one->send(".\r\n"), StartsWith("421 "));
  EXPECT_TRUE(bed.inbox("bob@alpha.example").empty());
}

TEST_F(SubmissionTest, ADisabledAccountsSessionsEnd) {
  auto one = ann();
  bed.apply(directory::set_account(bed.now(), "ann@alpha.example", {.enabled = false}));
  bed.loop.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(one->ended());
}

// ---------------------------------------------------------------- who may say what

TEST_F(SubmissionTest, TheEnvelopeSenderBelongsToTheLogin) {
  bed.address("ann.smith@two.example", "ann@alpha.example");
  bed.group("team@alpha.example", {"ann@alpha.example"});
  bed.group("others@alpha.example", {"bob@alpha.example"});
  struct Case {
    const char* from;
    const char* reply;
  };
  for (const Case& each : std::initializer_list<Case>{{"<ann@alpha.example>", "250 "},
                                                      {"<Ann+news@ALPHA.example>", "250 "},
                                                      {"<ann.smith@two.example>", "250 "},
                                                      {"<team@alpha.example>", "250 "},
                                                      {"<>", "250 "},
                                                      {"<bob@alpha.example>", "550 5.7.1 "},
                                                      {"<others@alpha.example>", "550 5.7.1 "},
                                                      {"<eve@two.example>", "550 5.7.1 "},
                                                      {"<nobody@alpha.example>", "550 5.7.1 "},
                                                      {"<ann@far.example>", "550 5.7.1 "},
                                                      {"<ann@[192.0.2.7]>", "550 5.7.1 "}})
    EXPECT_THAT(ann()->say(std::string("MAIL FROM:") + each.from), StartsWith(each.reply)) << each.from;
}

TEST_F(SubmissionTest, ARefusedSenderHasAStory) {
  const std::string reply = ann()->say("MAIL FROM:<eve@two.example>");
  const std::string id = reply.substr(reply.rfind('(') + 1, reply.rfind(')') - reply.rfind('(') - 1);
  EXPECT_THAT(bed.story(id),
              testing::AllOf(HasSubstr("eve@two.example"), HasSubstr("ann@alpha.example"), HasSubstr("550 5.7.1")));
  EXPECT_EQ(bed.stories("eve@two.example").size(), 1u);
}

TEST_F(SubmissionTest, FromAndSenderBelongToTheLogin) {
  bed.group("team@alpha.example", {"ann@alpha.example"});
  const std::string own = "From: ann@alpha.example\r\n";
  EXPECT_THAT(send(own), StartsWith("250 "));
  EXPECT_THAT(send("From: \"Team, the\" <team@alpha.example>\r\n"), StartsWith("250 "));
  EXPECT_THAT(send("From: Ann <ann@alpha.example>, ann+x@alpha.example\r\nSender: ann@alpha.example\r\n"),
              StartsWith("250 "));
  const char* const refused[] = {
      "From: eve@two.example\r\n",      // hosted here, somebody else's: it would get our signature
      "From: bob@alpha.example\r\n",    // the same domain, somebody else's
      "From: ceo@far.example\r\n",      // foreign
      "from : ceo@far.example\r\n",     // RFC 5322 4.5.8
      "From:\r\n ceo@far.example\r\n",  // folded
      "From: ann@alpha.example, ceo@far.example\r\n",
      "From: <ann@alpha.example> <ceo@far.example>\r\n",
      "From: \"ann@alpha.example\" <ceo@far.example>\r\n",
      "From: ann@alpha.example\r\nFrom: ceo@far.example\r\n",
      "From: ann@alpha.example\r\nfrom: ann@alpha.example\r\n",
      "From: ann@alpha.example\r\nSender: ceo@far.example\r\n",
      "From: ann@alpha.example\r\nSender: ann@alpha.example\r\nSender: ceo@far.example\r\n",
      "From: undisclosed:;\r\n",
      "From: Friends: ann@alpha.example;\r\n",
      "From: \r\n",
      "From: Ann\r\n",
      "Subject: no author at all\r\n",
  };
  for (const char* const header : refused) EXPECT_THAT(send(header), StartsWith("550 5.7.1 ")) << header;
  // A reader that skips the stray line would show the second From.
  EXPECT_THAT(send("From: ann@alpha.example\r\nstray line\r\nFrom: ceo@far.example\r\n"), StartsWith("554 5.6.0 "));
  EXPECT_THAT(send("From: ceo@far.example\r\n", "<>"), StartsWith("550 5.7.1 ")) << "the null sender opens nothing";
  EXPECT_EQ(bed.inbox("bob@alpha.example").size(), 3u);
}

TEST_F(SubmissionTest, AFromBehindALongHeaderIsSeen) {
  std::string header = "From: ann@alpha.example\r\n";
  while (header.size() < 200 * KiB) header += "X-Filler: " + std::string(980, 'x') + "\r\n";
  header += "From: ceo@far.example\r\n";
  EXPECT_THAT(send(header), StartsWith("550 5.7.1 "));
  std::string body = "\r\n";
  while (body.size() < 2 * MiB) body += std::string(998, 'x') + "\r\n";
  EXPECT_THAT(ann()->mail("<ann@alpha.example>", {"<bob@alpha.example>"}, header + body), StartsWith("550 5.7.1 "));
}

TEST_F(SubmissionTest, ARefusedAuthorHasAStoryWithTheReasonAndNoSecret) {
  const std::string reply = send("From: ceo@far.example\r\n");
  EXPECT_THAT(reply, HasSubstr("ceo@far.example"));
  const std::string story = bed.story("bob@alpha.example");
  EXPECT_THAT(story, testing::AllOf(HasSubstr("\"refused\""), HasSubstr("ceo@far.example"), HasSubstr("TLSv1.3")));
  EXPECT_THAT(story, Not(HasSubstr(kPassword)));
}

// ---------------------------------------------------------------- mends

/// How often a field stands in a message.
std::size_t count(const std::string& message, std::string_view name) {
  return message::Header::parse(message).count(name);
}

TEST_F(SubmissionTest, DateAndMessageIdAreAddedOnlyWhereMissing) {
  EXPECT_THAT(send("From: ann@alpha.example\r\n"), StartsWith("250 "));
  EXPECT_THAT(send("From: ann@alpha.example\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMESSAGE-ID: <own@x>\r\n"),
              StartsWith("250 "));
  const auto stored = bed.inbox("bob@alpha.example");
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(count(stored[0].octets, "Date"), 1u);
  EXPECT_EQ(count(stored[0].octets, "Message-ID"), 1u);
  EXPECT_THAT(stored[0].octets, HasSubstr("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"));
  EXPECT_EQ(count(stored[1].octets, "Date"), 1u);
  EXPECT_EQ(count(stored[1].octets, "Message-ID"), 1u);
  EXPECT_THAT(stored[1].octets, testing::EndsWith("MESSAGE-ID: <own@x>\r\n\r\nHello.\r\n"));
  // What was added is what the story is found by.
  const std::string added(message::Header::parse(stored[0].octets).value("Message-ID").value());
  EXPECT_EQ(bed.stories(added).size(), 1u) << added;
}

TEST_F(SubmissionTest, BccIsRemovedForEverybody) {
  const std::string letter =
      "Bcc: Carl <carl@far.example>,\r\n bob@alpha.example\r\nFrom: ann@alpha.example\r\nbcc: second@far.example\r\n"
      "Resent-Bcc: third@far.example\r\nTo: eve@two.example\r\n\r\nBcc: in the body stays\r\n";
  EXPECT_THAT(
      ann()->mail("<ann@alpha.example>", {"<eve@two.example>", "<bob@alpha.example>", "<carl@far.example>"}, letter),
      StartsWith("250 "));
  const auto eve = bed.inbox("eve@two.example"), bob = bed.inbox("bob@alpha.example");
  ASSERT_EQ(eve.size() + bob.size(), 2u);
  ASSERT_EQ(bed.queue().size(), 1u);
  const std::string relayed = bed.octets(bed.queue()[0].octets);
  for (const std::string& copy : {eve[0].octets, relayed})
    EXPECT_THAT(copy,
                Not(testing::AnyOf(HasSubstr("bob"), HasSubstr("carl"), HasSubstr("second@"), HasSubstr("third@"))));
  EXPECT_THAT(bob[0].octets, Not(testing::AnyOf(HasSubstr("carl"), HasSubstr("second@"))));
  EXPECT_THAT(relayed,
              testing::EndsWith("From: ann@alpha.example\r\nTo: eve@two.example\r\n\r\nBcc: in the body stays\r\n"));
  EXPECT_THAT(relayed, Not(HasSubstr("Return-Path")));
  EXPECT_THAT(relayed, Not(HasSubstr("Delivered-To")));
  EXPECT_THAT(relayed, HasSubstr("\twith ESMTPSA (TLSv1.3 "));
  EXPECT_EQ(bed.queue()[0].login, "ann@alpha.example");
}

TEST_F(SubmissionTest, ALoginMayRelay) {
  EXPECT_THAT(ann()->mail("<ann@alpha.example>", {"<zoe@far.example>"}, kLetter), StartsWith("250 "));
  const auto rows = bed.queue();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].sender, "ann@alpha.example");
  EXPECT_FALSE(rows[0].message_id.empty());
  EXPECT_EQ(bed.queued(rows[0].id).at(0).address, "zoe@far.example");
  EXPECT_EQ(bed.stories("zoe@far.example").at(0).recipients.at(0).state, "queued");
}

TEST_F(SubmissionTest, AMailboxNamedTwiceGetsOneCopy) {
  EXPECT_THAT(
      ann()->mail("<ann@alpha.example>",
                  {"<zoe@far.example>", "<Zoe@far.example>", "<zoe@FAR.example>", "<zoe@far.example> NOTIFY=NEVER"},
                  kLetter),
      StartsWith("250 "));
  const auto rows = bed.queue();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(bed.queued(rows[0].id).size(), 3U) << "letters of a local part, and NOTIFY, are the far host's to judge";
}

// ---------------------------------------------------------------- limits

// RFC 6152 3: whether BODY said so or not.
TEST_F(SubmissionTest, EightBitTextIsKnownWhenItLeaves) {
  const std::string letter = std::string(kLetter) +
                             "Gr\xc3\xbc\xc3\x9f"
                             "e\r\n";
  EXPECT_THAT(ann()->mail("<ann@alpha.example>", {"<joe@far.example>"}, kLetter), StartsWith("250 "));
  ASSERT_EQ(bed.queue().size(), 1U);
  EXPECT_FALSE(bed.queue()[0].eight_bit);
  EXPECT_THAT(ann()->mail("<ann@alpha.example>", {"<joe@far.example>"}, letter), StartsWith("250 "));
  ASSERT_EQ(bed.queue().size(), 2U);
  EXPECT_TRUE(bed.queue()[0].eight_bit != bed.queue()[1].eight_bit);
}

TEST_F(SubmissionTest, TheStoryNamesTheProtocolOfTheTransaction) {
  auto caller = ann();
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example> SMTPUTF8"), StartsWith("250 "));
  EXPECT_THAT(caller->say("RCPT TO:<bob@alpha.example>"), StartsWith("250 "));
  EXPECT_THAT(caller->data(std::string("Message-ID: <u@alpha.example>\r\n") + kLetter), StartsWith("250 "));
  EXPECT_THAT(bed.story("u@alpha.example"), HasSubstr("UTF8SMTPSA"));
}

TEST_F(SubmissionTest, MessagesAndRecipientsAnHourAreLimited) {
  bed.rates.set(3, 4);
  auto caller = ann();
  EXPECT_THAT(
      caller->mail("<ann@alpha.example>", {"<bob@alpha.example>", "<eve@two.example>", "<zoe@far.example>"}, kLetter),
      StartsWith("250 "));
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example>"), StartsWith("250 "));
  EXPECT_THAT(caller->say("RCPT TO:<bob@alpha.example>"), StartsWith("250 "));
  EXPECT_THAT(caller->say("RCPT TO:<eve@two.example>"), StartsWith("451 4.7.1 "));
  EXPECT_THAT(caller->data(kLetter), StartsWith("250 ")) << "those within the limit are served";
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example>"), StartsWith("250 "));
  static_cast<void>(caller->say("RSET"));
  EXPECT_THAT(caller->say("MAIL FROM:<ann@alpha.example>"), StartsWith("451 4.7.1 "));
  // Another login is not concerned; an hour later nobody is.
  EXPECT_THAT(bed.author("bob@alpha.example", "bobs-own-password")->say("MAIL FROM:<bob@alpha.example>"),
              StartsWith("250 "));
  bed.clock.advance(std::chrono::hours(1));
  EXPECT_THAT(ann()->mail("<ann@alpha.example>", {"<bob@alpha.example>"}, kLetter), StartsWith("250 "));
}

TEST(RateLimiterTest, NewLimitsKeepWhatWasUsed) {
  const TimePoint at = from_unix_seconds(1'800'000'000);
  RateLimiter rates(2, 0);
  EXPECT_TRUE(rates.take_message("a", at));
  rates.set(3, 0);
  EXPECT_TRUE(rates.take_message("a", at));
  EXPECT_TRUE(rates.take_message("a", at));
  EXPECT_FALSE(rates.take_message("a", at));
  EXPECT_TRUE(rates.take_recipient("a", at)) << "0 is no limit";
  EXPECT_TRUE(rates.take_message("a", at + std::chrono::minutes(20))) << "it refills steadily";
  EXPECT_FALSE(rates.take_message("a", at + std::chrono::minutes(20)));
}

// ---------------------------------------------------------------- message send

TEST_F(SubmissionTest, MessagesOfTheCommandLineTakeTheSameRoad) {
  const auto send_local = [&](std::string from, std::string octets) {
    return bed.wait(bed.submission->submit_local({std::move(from), {"bob@alpha.example"}, std::move(octets), "root"}));
  };
  const auto sent = send_local("ann@alpha.example", "From: ann@alpha.example\nBcc: x@far.example\n\nHello.\nBye.");
  ASSERT_TRUE(sent) << sent.error().text();
  const auto stored = bed.inbox("bob@alpha.example");
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_THAT(stored[0].octets, testing::EndsWith("\r\n\r\nHello.\r\nBye.\r\n"));
  EXPECT_EQ(count(stored[0].octets, "Bcc"), 0u);
  EXPECT_EQ(count(stored[0].octets, "Date"), 1u);
  EXPECT_FALSE(send_local("ann@alpha.example", "From: ceo@far.example\n\nx\n"));
  EXPECT_FALSE(send_local("nobody@alpha.example", "From: nobody@alpha.example\n\nx\n"));
  EXPECT_FALSE(send_local("ann@alpha.example", std::string("From: ann@alpha.example\n\nx\0y\n", 29)));
  EXPECT_FALSE(send_local("ann@alpha.example", "From: ann@alpha.example\n\n" + std::string(70'000, 'x') + "\n"));
  EXPECT_EQ(bed.inbox("bob@alpha.example").size(), 1u);
}

}  // namespace
}  // namespace posthorn::submission
