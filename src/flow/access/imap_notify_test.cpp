// NOTIFY and CATENATE with a server behind them: what transcripts cannot show well. Nothing here waits for time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"

namespace posthorn::access {
namespace {

using flow_test::AccessBed;
using flow_test::ImapCaller;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kNotifyPassword = "correct horse battery";

class ImapNotify : public testing::Test {
 protected:
  ImapNotify() {
    bed.site.domain("alpha.example");
    bed.site.account("ann@alpha.example", kNotifyPassword);
  }
  std::unique_ptr<ImapCaller> ann() { return bed.reader("ann@alpha.example", kNotifyPassword); }

  AccessBed bed;
};

// ---------------------------------------------------------------- NOTIFY

// RFC 5465 4: in IDLE exactly the same is told
TEST_F(ImapNotify, IdleTellsWhatWasAskedFor) {
  const auto one = ann();
  const auto other = ann();
  one->say(
      "NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge)) (MAILBOXES Sent (MessageNew MessageExpunge))");
  one->say("SELECT INBOX");
  one->say_until_continuation("IDLE");
  other->append("Sent", "x");
  EXPECT_THAT(one->listen("\r\n"), StartsWith("* STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "));
  other->append("INBOX", "x");
  EXPECT_THAT(one->listen("FETCH (UID 1 FLAGS (\\Recent))\r\n"), HasSubstr("* 1 EXISTS\r\n"));
  // FlagChange was not asked for; the expunge is.
  other->say("SELECT INBOX");
  other->say("STORE 1 +FLAGS (\\Deleted)");
  other->say("EXPUNGE");
  EXPECT_EQ(one->listen("EXPUNGE\r\n"), "* 1 EXPUNGE\r\n");
  EXPECT_THAT(one->send("DONE\r\n", "OK"), Not(HasSubstr("FETCH")));
}

TEST_F(ImapNotify, ExpungesHeldBackAreToldInIdle) {
  const auto one = ann();
  const auto other = ann();
  one->append("INBOX", "x");
  one->append("INBOX", "y");
  one->say("SELECT INBOX");
  one->say("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))");
  other->say("SELECT INBOX");
  other->say("STORE 1 +FLAGS (\\Deleted)");
  EXPECT_THAT(one->listen("\r\n"), HasSubstr("* 1 FETCH (UID 1 FLAGS ("));
  other->say("EXPUNGE");
  other->say("STORE 1 +FLAGS (\\Flagged)");
  // The number stands: the second message is still the second.
  EXPECT_THAT(one->listen("\r\n"), HasSubstr("* 2 FETCH (UID 2 FLAGS ("));
  EXPECT_THAT(one->say("FETCH 2 UID"), StartsWith("* 2 FETCH (UID 2)"));
  EXPECT_EQ(one->send("i IDLE\r\n", "EXPUNGE\r\n"), "+ idling\r\n* 1 EXPUNGE\r\n");
  one->send("DONE\r\n", "OK");
}

TEST_F(ImapNotify, WithQresyncUidsVanishAndStatusHasModseqs) {
  const auto one = ann();
  const auto other = ann();
  one->say("ENABLE QRESYNC");
  one->append("INBOX", "x");
  one->say("SELECT INBOX");
  one->say(
      "NOTIFY SET (SELECTED (MessageNew (FLAGS) MessageExpunge)) (PERSONAL (MessageNew MessageExpunge FlagChange))");
  other->append("Sent", "x");
  EXPECT_THAT(one->listen("\r\n"), AllOf(StartsWith("* STATUS Sent ("), HasSubstr("HIGHESTMODSEQ ")));
  other->append("INBOX", "x");
  EXPECT_THAT(one->listen("FETCH (UID 2"), HasSubstr("* 2 EXISTS"));
  other->say("SELECT INBOX");
  other->say("STORE 1 +FLAGS (\\Deleted)");
  other->say("EXPUNGE");
  EXPECT_THAT(one->listen("VANISHED 1\r\n"), EndsWith("* VANISHED 1\r\n"));
}

// A command that is not whole yet is not interrupted; what happened meanwhile is told behind it.
TEST_F(ImapNotify, NothingIsToldWithinACommand) {
  const auto one = ann();
  const auto other = ann();
  one->say("NOTIFY SET (MAILBOXES Sent (MessageNew MessageExpunge))");
  EXPECT_THAT(one->say_until_continuation("APPEND Drafts {3}"), StartsWith("+ "));
  other->append("Sent", "x");
  one->push("ab");
  other->append("Sent", "y");
  const std::string heard = one->send("c\r\n", "UIDVALIDITY ");
  EXPECT_LT(heard.find("OK [APPENDUID"), heard.find("* STATUS Sent (MESSAGES 2 UIDNEXT 3")) << heard;
}

TEST_F(ImapNotify, AMailboxMadeAnewHasAnotherUidvalidity) {
  const auto one = ann();
  const auto other = ann();
  other->say("CREATE Lists");
  one->say("NOTIFY SET (MAILBOXES Lists (MessageNew MessageExpunge FlagChange MailboxName))");
  other->say("DELETE Lists");
  EXPECT_THAT(one->listen("\r\n"), HasSubstr("* LIST (\\NonExistent \\HasNoChildren) \"/\" Lists\r\n"));
  other->say("CREATE Lists");
  EXPECT_THAT(one->listen("STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY "),
              HasSubstr("* LIST (\\HasNoChildren) \"/\" Lists\r\n"));
}

TEST_F(ImapNotify, WhatComesByCopyOfItsOwnIsNotTold) {
  const auto one = ann();
  const auto other = ann();
  one->append("INBOX", "x");
  one->say("SELECT INBOX");
  one->say("NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))");
  EXPECT_THAT(one->say("COPY 1 Sent"), HasSubstr("TAG OK [COPYUID"));
  EXPECT_THAT(one->say("COPY 1 INBOX"), AllOf(HasSubstr("* 2 EXISTS"), HasSubstr("TAG OK [COPYUID")));
  EXPECT_THAT(one->say("NOOP"), StartsWith("TAG OK"));
  other->append("Trash", "x");
  EXPECT_THAT(one->listen("\r\n"), StartsWith("* STATUS Trash (MESSAGES 1 "));
}

TEST_F(ImapNotify, OneAccountHearsNothingOfAnother) {
  bed.site.account("bob@alpha.example", kNotifyPassword);
  const auto one = ann();
  const auto bob = bed.reader("bob@alpha.example", kNotifyPassword);
  one->say("NOTIFY SET (PERSONAL (MessageNew MessageExpunge MailboxName))");
  bob->append("INBOX", "x");
  bob->say("CREATE secret");
  EXPECT_THAT(one->say("NOOP"), StartsWith("TAG OK"));
}

// ---------------------------------------------------------------- CATENATE

class ImapCatenate : public ImapNotify {};

TEST_F(ImapCatenate, LargePartsAreTheSameOctets) {
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += fmt::format("line {} of a long text\r\n", i);
  const auto one = ann();
  one->append("INBOX", "Subject: long\r\n\r\n" + text);
  EXPECT_THAT(one->say("APPEND Archive CATENATE (TEXT {16+}\r\nSubject: new\r\n\r\n URL /INBOX/;UID=1/;SECTION=TEXT "
                       "TEXT {3+}\r\nend)"),
              HasSubstr("TAG OK [APPENDUID"));
  one->say("SELECT Archive");
  const std::string wanted = "Subject: new\r\n\r\n" + text + "end";
  const std::string answer = one->say("FETCH 1 BODY.PEEK[]");
  EXPECT_TRUE(answer.contains(fmt::format("BODY[] {{{}}}\r\n{})", wanted.size(), wanted)));
  // RFC 4469 3: \Seen stays as it is.
  one->say("SELECT INBOX");
  EXPECT_THAT(one->say("FETCH 1 FLAGS"), Not(HasSubstr("\\Seen")));
}

TEST_F(ImapCatenate, AQuotaStopsItBeforeTheOctetsAreCopied) {
  bed.site.account("small@alpha.example", kNotifyPassword, 3000);
  const auto one = bed.reader("small@alpha.example", kNotifyPassword);
  EXPECT_THAT(one->append("INBOX", std::string(1000, 'x')), HasSubstr("TAG OK"));
  EXPECT_THAT(one->say("APPEND INBOX CATENATE (URL /INBOX/;UID=1 URL /INBOX/;UID=1 URL /INBOX/;UID=1 TEXT {5}"),
              HasSubstr("TAG NO [OVERQUOTA]"));
  EXPECT_THAT(one->say("STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
}

TEST_F(ImapCatenate, AllOrNothingOverSeveralMessages) {
  const auto one = ann();
  one->append("INBOX", "x");
  EXPECT_THAT(
      one->say(
          "APPEND Sent {1+}\r\na CATENATE (URL /INBOX/;UID=1) CATENATE (URL /INBOX/;UID=2 TEXT {1+}\r\nb) {1+}\r\nc"),
      HasSubstr("TAG NO [BADURL /INBOX/;UID=2]"));
  EXPECT_THAT(one->say("STATUS Sent (MESSAGES)"), HasSubstr("(MESSAGES 0)"));
  EXPECT_THAT(one->say("APPEND Sent {1+}\r\na CATENATE (URL /INBOX/;UID=1) CATENATE (TEXT {1+}\r\nb) {1+}\r\nc"),
              HasSubstr("TAG OK [APPENDUID"));
  EXPECT_THAT(one->say("STATUS Sent (MESSAGES SIZE)"), HasSubstr("(MESSAGES 4 SIZE 4)"));
}

TEST_F(ImapCatenate, NulInAPart) {
  const auto one = ann();
  one->say("ENABLE UTF8=ACCEPT");
  EXPECT_THAT(one->say(std::string("APPEND INBOX CATENATE (UTF8 (~{3+}\r\na") + '\0' + "b) TEXT {1+}\r\nc)"),
              HasSubstr("TAG NO [UNKNOWN-CTE]"));
}

}  // namespace
}  // namespace posthorn::access
