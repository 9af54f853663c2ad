// What each command answers, by the examples and rules of RFC 9051 and its extensions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"

namespace posthorn::access {
namespace {

using flow_test::AccessBed;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto kPassword = "correct horse battery";
const std::string kMessage =
    "From: Bob <bob@beta.example>\r\nTo: ann@alpha.example\r\nSubject: Lunch\r\n"
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <m1@beta.example>\r\n\r\nShall we?\r\n";
const std::string kParts =
    "Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\nfirst\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
    "--b--\r\n";

class ImapCommands : public testing::Test {
 protected:
  ImapCommands() {
    bed.site.domain("alpha.example");
    bed.site.account("ann@alpha.example", kPassword);
    one = bed.reader("ann@alpha.example", kPassword);
  }
  std::string say(const std::string& command) { return one->say(command); }
  void fill(int count) {
    for (int i = 0; i < count; ++i) one->append("INBOX", kMessage);
    say("SELECT INBOX");
  }

  AccessBed bed;
  std::unique_ptr<flow_test::ImapCaller> one;
};

// ---------------------------------------------------------------- mailboxes

TEST_F(ImapCommands, SelectDescribesTheMailbox) {
  fill(2);
  const std::string answer = say("SELECT INBOX");
  for (const char* part : {"* FLAGS (", "[PERMANENTFLAGS (", "* 2 EXISTS", "[UIDVALIDITY ", "[UIDNEXT 3]",
                           "[HIGHESTMODSEQ ", "[MAILBOXID (", "[UNSEEN 1]", "TAG OK [READ-WRITE]"})
    EXPECT_THAT(answer, HasSubstr(part));
  EXPECT_THAT(say("SELECT Nowhere"), HasSubstr("TAG NO [NONEXISTENT]"));
  EXPECT_THAT(say("FETCH 1 UID"), HasSubstr("TAG BAD")) << "a SELECT that failed leaves nothing selected";
}

TEST_F(ImapCommands, Rev2ShowsNoRecentAndListsTheMailbox) {
  one->append("INBOX", kMessage);
  say("ENABLE IMAP4rev2");
  const std::string answer = say("SELECT INBOX");
  EXPECT_THAT(answer, AllOf(Not(HasSubstr("RECENT")), Not(HasSubstr("UNSEEN")), HasSubstr("* LIST () \"/\" INBOX")));
  EXPECT_THAT(say("SEARCH ALL"), HasSubstr("* ESEARCH (TAG "));
  EXPECT_THAT(say("FETCH 1 FLAGS"), HasSubstr("FLAGS ()"));
}

TEST_F(ImapCommands, ExamineChangesNothing) {
  fill(1);
  EXPECT_THAT(say("EXAMINE INBOX"), AllOf(HasSubstr("[PERMANENTFLAGS ()]"), HasSubstr("TAG OK [READ-ONLY]")));
  EXPECT_THAT(say("STORE 1 +FLAGS (\\Deleted)"), HasSubstr("TAG NO"));
  EXPECT_THAT(say("EXPUNGE"), HasSubstr("TAG NO"));
  EXPECT_THAT(say("MOVE 1 Archive"), HasSubstr("TAG NO"));
  EXPECT_THAT(say("FETCH 1 BODY[TEXT]"), Not(HasSubstr("\\Seen")));
  EXPECT_THAT(say("STATUS INBOX (UNSEEN)"), HasSubstr("(UNSEEN 1)"));
}

TEST_F(ImapCommands, CloseExpungesSilentlyAndUnselectDoesNot) {
  fill(2);
  say("STORE 1 +FLAGS (\\Deleted)");
  EXPECT_THAT(say("UNSELECT"), HasSubstr("TAG OK"));
  EXPECT_THAT(say("SELECT INBOX"), HasSubstr("* 2 EXISTS"));
  EXPECT_THAT(say("CLOSE"), AllOf(HasSubstr("TAG OK"), Not(HasSubstr("EXPUNGE"))));
  EXPECT_THAT(say("SELECT INBOX"), HasSubstr("* 1 EXISTS"));
}

TEST_F(ImapCommands, FoldersAreMadeMovedAndRemoved) {
  EXPECT_THAT(say("CREATE Work/Plans/"), HasSubstr("TAG OK [MAILBOXID ("));
  EXPECT_THAT(say("CREATE Work"), HasSubstr("TAG NO [ALREADYEXISTS]"));
  EXPECT_THAT(say("CREATE a//b"), HasSubstr("TAG NO [CANNOT]"));
  EXPECT_THAT(say("LIST \"\" Work*"), AllOf(HasSubstr(" Work\r\n"), HasSubstr(" Work/Plans\r\n")));
  EXPECT_THAT(say("RENAME Work Play"), HasSubstr("TAG OK"));
  EXPECT_THAT(say("LIST \"\" *"), AllOf(HasSubstr(" Play/Plans\r\n"), Not(HasSubstr("Work"))));
  EXPECT_THAT(say("DELETE Play/Plans"), HasSubstr("TAG OK"));
  EXPECT_THAT(say("DELETE Play/Plans"), HasSubstr("TAG NO [NONEXISTENT]"));
  EXPECT_THAT(say("DELETE INBOX"), HasSubstr("TAG NO [CANNOT]"));
}

TEST_F(ImapCommands, SpecialUsesAreMadeOnce) {
  EXPECT_THAT(say("LIST \"\" %"), HasSubstr("\\Sent) \"/\" Sent"));
  // RFC 6154 3
  EXPECT_THAT(say("CREATE MySent (USE (\\Sent))"), HasSubstr("TAG NO [USEATTR]"));
  EXPECT_THAT(say("CREATE Everything (USE (\\All))"), HasSubstr("TAG NO [USEATTR]"));
  say("DELETE Sent");
  EXPECT_THAT(say("CREATE MySent (USE (\\Sent))"), HasSubstr("TAG OK"));
  EXPECT_THAT(say("LIST (SPECIAL-USE) \"\" *"), HasSubstr("\\Sent) \"/\" MySent"));
}

TEST_F(ImapCommands, StatusTellsWhatIsAsked) {
  fill(2);
  say("STORE 1 +FLAGS (\\Seen \\Deleted)");
  const std::string size = std::to_string(2 * kMessage.size());
  EXPECT_THAT(say("STATUS INBOX (MESSAGES UIDNEXT UNSEEN DELETED SIZE APPENDLIMIT)"),
              AllOf(HasSubstr("MESSAGES 2"), HasSubstr("UIDNEXT 3"), HasSubstr("UNSEEN 1"), HasSubstr("DELETED 1"),
                    HasSubstr("SIZE " + size), HasSubstr("APPENDLIMIT ")));
  EXPECT_THAT(say("LIST \"\" INBOX RETURN (STATUS (MESSAGES))"),
              AllOf(HasSubstr("* LIST"), HasSubstr("* STATUS INBOX (MESSAGES 2)")));
  EXPECT_THAT(say("STATUS INBOX (DELETED-STORAGE)"), HasSubstr("DELETED-STORAGE " + std::to_string(kMessage.size())));
}

TEST_F(ImapCommands, SubscriptionsOutliveTheirMailboxes) {
  say("CREATE Old");
  EXPECT_THAT(say("SUBSCRIBE Old"), HasSubstr("TAG OK"));
  say("DELETE Old");
  EXPECT_THAT(say("LSUB \"\" Old"), HasSubstr("Old"));
  EXPECT_THAT(say("LIST (SUBSCRIBED) \"\" Old"), HasSubstr("\\NonExistent"));
  EXPECT_THAT(say("UNSUBSCRIBE Old"), HasSubstr("TAG OK"));
  EXPECT_THAT(say("LSUB \"\" Old"), Not(HasSubstr("* LSUB")));
}

// ---------------------------------------------------------------- messages

TEST_F(ImapCommands, FetchOfPartsAndWindows) {
  one->append("INBOX", kParts);
  say("SELECT INBOX");
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[1]"), HasSubstr("BODY[1] {5}\r\nfirst"));
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[2]<2.3>"), HasSubstr("BODY[2]<2> {3}\r\nVsb"));
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[2]<500.3>"), HasSubstr("BODY[2]<500> {0}"));
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[7]"), HasSubstr("BODY[7] NIL"));
  EXPECT_THAT(say("FETCH 1 (BINARY.PEEK[2] BINARY.SIZE[2])"), AllOf(HasSubstr("hello"), HasSubstr("BINARY.SIZE[2] 5")));
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[HEADER.FIELDS (subject)]"),
              HasSubstr("BODY[HEADER.FIELDS (subject)] {18}\r\nSubject: parts\r\n\r\n"));
  EXPECT_THAT(say("FETCH 1 BODYSTRUCTURE"), HasSubstr("\"IMAGE\" \"PNG\""));
}

TEST_F(ImapCommands, FetchMarksSeenAndSaysSo) {
  fill(1);
  EXPECT_THAT(say("FETCH 1 BODY[TEXT]"), AllOf(HasSubstr("FLAGS (\\Seen"), HasSubstr("Shall we?")));
  EXPECT_THAT(say("FETCH 1 FLAGS"), HasSubstr("\\Seen"));
}

TEST_F(ImapCommands, FetchOfIdsDatesAndPreview) {
  fill(1);
  say("COPY 1 Archive");
  const std::string answer = say("FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW)");
  EXPECT_THAT(answer, AllOf(HasSubstr("EMAILID (E"), HasSubstr("THREADID (T"), HasSubstr("SAVEDATE \""),
                            HasSubstr("PREVIEW \"Shall we?\"")));
  const auto at = answer.find("EMAILID (");
  const std::string id = answer.substr(at, answer.find(')', at) - at);
  say("SELECT Archive");
  // RFC 8474 5.1: a copy has the same EMAILID.
  EXPECT_THAT(say("FETCH 1 EMAILID"), HasSubstr(id));
}

TEST_F(ImapCommands, FetchByUidFindsTheLastMessage) {
  fill(3);
  // RFC 9051 6.4.9: 559:* holds the last message however small its uid.
  EXPECT_THAT(say("UID FETCH 559:* FLAGS"), HasSubstr("* 3 FETCH (UID 3"));
  EXPECT_THAT(say("UID FETCH 77 FLAGS"), AllOf(Not(HasSubstr("FETCH (")), HasSubstr("TAG OK")));
  EXPECT_THAT(say("FETCH 4 FLAGS"), HasSubstr("TAG BAD"));
  EXPECT_THAT(say("UID FETCH 1:* (FLAGS) (PARTIAL -1:-1)"), AllOf(HasSubstr("* 3 FETCH"), Not(HasSubstr("* 1 FETCH"))));
}

TEST_F(ImapCommands, ChangedSinceAndVanished) {
  fill(3);
  say("UNSELECT");
  say("ENABLE QRESYNC");
  const std::string selected = say("SELECT INBOX");
  const auto at = selected.find("[HIGHESTMODSEQ ") + 15;
  const std::string highest = selected.substr(at, selected.find(']', at) - at);
  say("STORE 3 +FLAGS (\\Flagged)");
  say("STORE 1 +FLAGS (\\Deleted)");
  EXPECT_THAT(say("EXPUNGE"), AllOf(HasSubstr("* VANISHED 1\r\n"), HasSubstr("TAG OK [HIGHESTMODSEQ ")));
  EXPECT_THAT(say("UID FETCH 1:* (FLAGS) (CHANGEDSINCE " + highest + " VANISHED)"),
              AllOf(HasSubstr("* VANISHED (EARLIER) 1\r\n"), HasSubstr("* 2 FETCH (UID 3"), Not(HasSubstr("UID 2"))));
}

TEST_F(ImapCommands, CopyTellsUids) {
  fill(2);
  EXPECT_THAT(say("COPY 1:2 Archive"), HasSubstr("TAG OK [COPYUID "));
  EXPECT_THAT(say("COPY 1:2 Nowhere"), HasSubstr("TAG NO [TRYCREATE]"));
  EXPECT_THAT(say("UID COPY 99 Archive"), AllOf(HasSubstr("TAG OK"), Not(HasSubstr("COPYUID"))));
}

TEST_F(ImapCommands, UidExpungeTakesOnlyTheNamed) {
  fill(3);
  say("STORE 1:2 +FLAGS (\\Deleted)");
  EXPECT_THAT(say("UID EXPUNGE 2:3"), AllOf(HasSubstr("* 2 EXPUNGE"), Not(HasSubstr("* 1 EXPUNGE"))));
}

TEST_F(ImapCommands, StoreOfKeywordsNamesThemFirst) {
  fill(1);
  const std::string answer = say("STORE 1 +FLAGS ($Forwarded Work)");
  EXPECT_LT(answer.find("* FLAGS ("), answer.find("* 1 FETCH (FLAGS"));
  EXPECT_THAT(say("SEARCH KEYWORD work"), HasSubstr("* SEARCH 1"));
}

// ---------------------------------------------------------------- search, sort, threads

TEST_F(ImapCommands, SavedResultsAreUsedAndShrink) {
  fill(3);
  EXPECT_THAT(say("SEARCH RETURN (SAVE) ALL"), AllOf(Not(HasSubstr("SEARCH (")), HasSubstr("TAG OK")));
  say("STORE 2 +FLAGS (\\Deleted)");
  say("EXPUNGE");
  EXPECT_THAT(say("FETCH $ UID"), AllOf(HasSubstr("* 1 FETCH (UID 1)"), HasSubstr("* 2 FETCH (UID 3)")));
  EXPECT_THAT(say("UID SEARCH RETURN (COUNT) $"), HasSubstr("COUNT 2"));
}

TEST_F(ImapCommands, SortAndThread) {
  one->append("INBOX", "Subject: b\r\nMessage-ID: <1@x>\r\n\r\n");
  one->append("INBOX", "Subject: Re: a\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\n\r\n");
  say("SELECT INBOX");
  EXPECT_THAT(say("SORT (SUBJECT) UTF-8 ALL"), HasSubstr("* SORT 2 1\r\n"));
  EXPECT_THAT(say("UID SORT (REVERSE SUBJECT) UTF-8 ALL"), HasSubstr("* SORT 1 2\r\n"));
  EXPECT_THAT(say("THREAD REFERENCES UTF-8 ALL"), HasSubstr("* THREAD (1 2)\r\n"));
}

TEST_F(ImapCommands, SearchOfDatesIdsAndSizes) {
  one->append("INBOX", kMessage, "\"07-Feb-1994 22:00:00 +0000\"");
  say("SELECT INBOX");
  EXPECT_THAT(say("SEARCH ON 7-Feb-1994"), HasSubstr("* SEARCH 1\r\n"));
  EXPECT_THAT(say("SEARCH SENTON 7-Feb-1994"), HasSubstr("* SEARCH 1\r\n"));
  EXPECT_THAT(say("SEARCH SAVEDBEFORE 1-Jan-2000"), HasSubstr("* SEARCH\r\n"));
  EXPECT_THAT(say("SEARCH LARGER 10 SMALLER 10000"), HasSubstr("* SEARCH 1\r\n"));
  EXPECT_THAT(say("SEARCH YOUNGER 60"), HasSubstr("* SEARCH\r\n"));
}

// ---------------------------------------------------------------- what does not go

TEST_F(ImapCommands, BinaryAppendIsStoredEncoded) {
  using namespace std::string_literals;
  const std::string message =
      "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\na\0b"s;
  EXPECT_THAT(say(fmt::format("APPEND INBOX ~{{{}+}}\r\n", message.size()) + message), HasSubstr("TAG OK [APPENDUID"));
  say("SELECT INBOX");
  EXPECT_THAT(say("FETCH 1 BODY.PEEK[1]"), HasSubstr("YQBi"));
  EXPECT_THAT(say("FETCH 1 BINARY.SIZE[1]"), HasSubstr("BINARY.SIZE[1] 3"));
}

TEST_F(ImapCommands, QuotaIsShownWhereThereIsOne) {
  EXPECT_THAT(say("GETQUOTAROOT INBOX"), AllOf(HasSubstr("* QUOTAROOT INBOX\r\n"), Not(HasSubstr("* QUOTA \"\""))));
  EXPECT_THAT(say("GETQUOTA \"\""), HasSubstr("TAG NO [NONEXISTENT]"));
  bed.site.account("small@alpha.example", kPassword, 3000);
  const auto small = bed.reader("small@alpha.example", kPassword);
  for (int i = 0; i < 10; ++i) small->append("INBOX", kMessage);
  small->say("SELECT INBOX");
  EXPECT_THAT(small->say("GETQUOTA \"\""), HasSubstr("* QUOTA \"\" (STORAGE 2 2)"));
  EXPECT_THAT(small->say("COPY 1:10 Archive"), HasSubstr("TAG NO [OVERQUOTA]"));
}

}  // namespace
}  // namespace posthorn::access
