// IMAP sessions from the outside: logins, mail, changes seen by others, limits. What stands in quotes is RFC 9051's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"
#include "site/directory/plan.h"

namespace posthorn::access {
namespace {

using namespace std::chrono_literals;
using flow_test::AccessBed;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kAnnsPassword = "correct horse battery";
const std::string kMail =
    "From: Bob <bob@beta.example>\r\nTo: ann@alpha.example\r\nSubject: Lunch\r\n"
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <m1@beta.example>\r\n\r\nShall we?\r\n";

class ImapSessions : public testing::Test {
 protected:
  ImapSessions() {
    bed.site.domain("alpha.example");
    bed.site.account("ann@alpha.example", kAnnsPassword);
  }
  std::unique_ptr<flow_test::ImapCaller> ann() { return bed.reader("ann@alpha.example", kAnnsPassword); }

  AccessBed bed;
};

// ---------------------------------------------------------------- logging in

TEST_F(ImapSessions, UnknownUserAndWrongPasswordSoundAlike) {
  const auto one = bed.call();
  const std::string wrong = one->say("LOGIN ann@alpha.example wrong");
  const std::string unknown = one->say("LOGIN nobody@alpha.example wrong");
  EXPECT_THAT(wrong, HasSubstr("NO [AUTHENTICATIONFAILED]"));
  EXPECT_EQ(wrong, unknown);
}

TEST_F(ImapSessions, ALoginWithoutTheScopeIsAsUnknown) {
  const auto sender = bed.site.login("ann@alpha.example", "sender", "smtp");
  const auto phone = bed.site.login("ann@alpha.example", "phone", "imap");
  const auto one = bed.call();
  const std::string refused = one->say("LOGIN " + sender.name + " " + sender.secret);
  EXPECT_THAT(refused, HasSubstr("NO [AUTHENTICATIONFAILED]"));
  EXPECT_THAT(one->say("LOGIN " + phone.name + " " + phone.secret), HasSubstr("TAG OK"));
}

TEST_F(ImapSessions, ScramIsOfferedWhereAnApplicationLoginCanUseIt) {
  EXPECT_THAT(bed.call()->say("CAPABILITY"), AllOf(HasSubstr("AUTH=PLAIN"), Not(HasSubstr("SCRAM"))));
  const auto sender = bed.site.login("ann@alpha.example", "sender", "smtp,pop3");
  EXPECT_THAT(bed.call()->say("CAPABILITY"), Not(HasSubstr("SCRAM")));
  const auto phone = bed.site.login("ann@alpha.example", "phone", "imap");
  EXPECT_THAT(bed.call()->say("CAPABILITY"), HasSubstr("AUTH=SCRAM-SHA-256 AUTH=PLAIN"));
  bed.site.apply(directory::revoke_login(bed.site.now(), phone.name));
  EXPECT_THAT(bed.call()->say("CAPABILITY"), Not(HasSubstr("SCRAM")));
  EXPECT_THAT(bed.call()->say("AUTHENTICATE SCRAM-SHA-256"), HasSubstr("TAG NO [CANNOT]"));
}

TEST_F(ImapSessions, RevocationEndsALiveSession) {
  const auto phone = bed.site.login("ann@alpha.example", "phone", "imap");
  const auto one = bed.reader(phone.name, phone.secret);
  const auto other = ann();
  bed.site.apply(directory::revoke_login(bed.site.now(), phone.name));
  const std::string heard = one->listen("\r\n");
  EXPECT_THAT(heard, StartsWith("* BYE"));
  EXPECT_THAT(other->say("NOOP"), HasSubstr("TAG OK"));
}

TEST_F(ImapSessions, RevocationEndsASessionThatIdles) {
  const auto phone = bed.site.login("ann@alpha.example", "phone", "imap");
  const auto one = bed.reader(phone.name, phone.secret);
  one->say("SELECT INBOX");
  one->say_until_continuation("IDLE");
  bed.site.apply(directory::revoke_login(bed.site.now(), phone.name));
  EXPECT_THAT(one->listen("BYE"), HasSubstr("* BYE"));
}

// ---------------------------------------------------------------- mail

TEST_F(ImapSessions, AMessageComesBackAsItWasAppended) {
  const auto one = ann();
  EXPECT_THAT(one->append("INBOX", kMail, "(\\Seen) \"07-Feb-1994 22:00:00 -0800\""), HasSubstr("TAG OK [APPENDUID "));
  EXPECT_THAT(one->say("SELECT INBOX"), AllOf(HasSubstr("* 1 EXISTS"), HasSubstr("[READ-WRITE]")));
  const std::string body = one->say("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])");
  EXPECT_THAT(body, HasSubstr(fmt::format("BODY[] {{{}}}\r\n{}", kMail.size(), kMail)));
  EXPECT_THAT(body, HasSubstr(fmt::format("RFC822.SIZE {}", kMail.size())));
  EXPECT_THAT(body, HasSubstr("\"08-Feb-1994 06:00:00 +0000\""));
  EXPECT_THAT(body, HasSubstr("\\Seen"));
  EXPECT_THAT(one->say("FETCH 1 ENVELOPE"), HasSubstr("\"Lunch\""));
}

TEST_F(ImapSessions, AppendToAMailboxThatIsNotThereAsksToCreateIt) {
  const auto one = ann();
  EXPECT_THAT(one->append("Nowhere", kMail), HasSubstr("TAG NO [TRYCREATE]"));
}

TEST_F(ImapSessions, MultiappendIsOneUnit) {
  const auto one = ann();
  const std::string two = fmt::format("APPEND INBOX {{{0}+}}\r\n{1} (\\Flagged) {{{0}+}}\r\n{1}", kMail.size(), kMail);
  EXPECT_THAT(one->say(two), HasSubstr("TAG OK [APPENDUID "));
  EXPECT_THAT(one->say("STATUS INBOX (MESSAGES)"), HasSubstr("(MESSAGES 2)"));
}

TEST_F(ImapSessions, SearchFindsInDecodedText) {
  const auto one = ann();
  one->append("INBOX", kMail);
  one->append("INBOX", "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\nHallo\r\n");
  one->say("SELECT INBOX");
  EXPECT_THAT(one->say("SEARCH SUBJECT lunch"), HasSubstr("* SEARCH 1\r\n"));
  EXPECT_THAT(one->say("SEARCH CHARSET UTF-8 SUBJECT {6+}\r\ngr\xC3\xBC\xC3\x9F"), HasSubstr("* SEARCH 2\r\n"));
  EXPECT_THAT(one->say("SEARCH TEXT hallo"), HasSubstr("* SEARCH 2\r\n"));
  EXPECT_THAT(one->say("SEARCH RETURN (COUNT) ALL"), HasSubstr("COUNT 2"));
}

// ---------------------------------------------------------------- changes

TEST_F(ImapSessions, IdleHearsOfArrivalsFlagsAndExpunges) {
  const auto one = ann();
  const auto other = ann();
  one->say("SELECT INBOX");
  other->say("SELECT INBOX");
  EXPECT_THAT(one->say_until_continuation("IDLE"), HasSubstr("+ "));
  other->append("INBOX", kMail);
  EXPECT_THAT(one->listen("EXISTS\r\n"), HasSubstr("* 1 EXISTS"));
  other->say("STORE 1 +FLAGS (\\Deleted)");
  EXPECT_THAT(one->listen("FETCH"), HasSubstr("* 1 FETCH (FLAGS (\\Deleted"));
  other->say("EXPUNGE");
  EXPECT_THAT(one->listen("EXPUNGE\r\n"), HasSubstr("* 1 EXPUNGE"));
  // iOS sends the next command right behind DONE.
  const std::string heard = one->send("DONE\r\nx1 NOOP\r\n", "x1 OK");
  EXPECT_THAT(heard, HasSubstr("OK IDLE"));
}

TEST_F(ImapSessions, SequenceNumbersStayDuringFetch) {
  const auto one = ann();
  const auto other = ann();
  for (int i = 0; i < 3; ++i) one->append("INBOX", kMail);
  one->say("SELECT INBOX");
  other->say("SELECT INBOX");
  other->say("STORE 1 +FLAGS (\\Deleted)");
  other->say("EXPUNGE");
  // RFC 9051 7.5.1: no EXPUNGE while FETCH, STORE or SEARCH by sequence number runs.
  EXPECT_THAT(one->say("FETCH 3 (UID)"), AllOf(HasSubstr("* 3 FETCH (UID 3)"), Not(HasSubstr("EXPUNGE"))));
  EXPECT_THAT(one->say("FETCH 1 (BODY.PEEK[])"), HasSubstr("TAG NO [EXPUNGEISSUED]"));
  EXPECT_THAT(one->say("SEARCH ALL"), Not(HasSubstr("EXPUNGE")));
  EXPECT_THAT(one->say("NOOP"), HasSubstr("* 1 EXPUNGE"));
  EXPECT_THAT(one->say("FETCH 2 (UID)"), HasSubstr("* 2 FETCH (UID 3)"));
}

TEST_F(ImapSessions, ConditionalStoreKeepsWhatHasChanged) {
  const auto one = ann();
  const auto other = ann();
  one->append("INBOX", kMail);
  one->append("INBOX", kMail);
  const std::string selected = one->say("SELECT INBOX (CONDSTORE)");
  const auto at = selected.find("[HIGHESTMODSEQ ");
  ASSERT_NE(at, std::string::npos);
  const std::string highest = selected.substr(at + 15, selected.find(']', at) - at - 15);
  other->say("SELECT INBOX");
  other->say("STORE 1 +FLAGS (\\Seen)");
  // RFC 7162 3.1.3
  const std::string answer = one->say("STORE 1:2 (UNCHANGEDSINCE " + highest + ") +FLAGS (\\Flagged)");
  EXPECT_THAT(answer, AllOf(HasSubstr("TAG OK [MODIFIED 1]"), HasSubstr("* 2 FETCH ("), HasSubstr("MODSEQ (")));
}

TEST_F(ImapSessions, ResynchronizationTellsWhatWentAndWhatChanged) {
  const auto one = ann();
  for (int i = 0; i < 4; ++i) one->append("INBOX", kMail);
  one->say("ENABLE QRESYNC");
  const std::string selected = one->say("SELECT INBOX");
  const auto number_behind = [&selected](const std::string& word) {
    const auto at = selected.find(word) + word.size();
    return selected.substr(at, selected.find(']', at) - at);
  };
  const std::string validity = number_behind("[UIDVALIDITY "), highest = number_behind("[HIGHESTMODSEQ ");
  one->say("UNSELECT");
  const auto other = ann();
  other->say("SELECT INBOX");
  other->say("STORE 2 +FLAGS (\\Deleted)");
  other->say("EXPUNGE");
  other->say("STORE 3 +FLAGS (\\Seen)");
  const std::string again = one->say("SELECT INBOX (QRESYNC (" + validity + " " + highest + "))");
  EXPECT_THAT(again, HasSubstr("* VANISHED (EARLIER) 2\r\n"));
  EXPECT_THAT(again, HasSubstr("* 3 FETCH (UID 4 FLAGS (\\Seen"));
  EXPECT_THAT(again, Not(HasSubstr("* 1 FETCH")));
}

TEST_F(ImapSessions, MoveTellsCopyuidBeforeTheExpunge) {
  const auto one = ann();
  one->append("INBOX", kMail);
  one->say("SELECT INBOX");
  const std::string moved = one->say("MOVE 1 Archive");
  EXPECT_THAT(one->say("UID MOVE 999 Archive"), HasSubstr("TAG OK"));
  EXPECT_LT(moved.find("[COPYUID "), moved.find("* 1 EXPUNGE"));
  EXPECT_THAT(one->say("STATUS Archive (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
}

TEST_F(ImapSessions, ReplaceTakesThePlaceOfOneMessage) {
  const auto one = ann();
  one->append("Drafts", kMail);
  one->say("SELECT Drafts");
  const std::string answer = one->say(fmt::format("REPLACE 1 Drafts (\\Draft) {{{}+}}\r\n{}", kMail.size(), kMail));
  EXPECT_THAT(answer, AllOf(HasSubstr("[APPENDUID "), HasSubstr("* 1 EXPUNGE"), HasSubstr("TAG OK")));
  EXPECT_THAT(one->say("STATUS Drafts (MESSAGES)"), HasSubstr("(MESSAGES 1)"));
}

TEST_F(ImapSessions, ADeletedMailboxEndsTheSessionsInIt) {
  const auto one = ann();
  const auto other = ann();
  one->say("CREATE Work");
  other->say("SELECT Work");
  EXPECT_THAT(one->say("DELETE Work"), HasSubstr("TAG OK"));
  EXPECT_THAT(other->say("NOOP") + other->listen("BYE"), HasSubstr("* BYE"));
}

// ---------------------------------------------------------------- limits

TEST_F(ImapSessions, ASilentConnectionWithoutLoginEnds) {
  const auto one = bed.call();
  bed.site.loop.run_for(bed.settings.time_outs.login + 5s);
  EXPECT_THAT(one->listen("BYE"), HasSubstr("* BYE"));
}

TEST_F(ImapSessions, AppendOverQuotaIsRefusedBeforeItsOctets) {
  bed.site.account("small@alpha.example", kAnnsPassword, 1000);
  const auto one = bed.reader("small@alpha.example", kAnnsPassword);
  EXPECT_THAT(one->say("APPEND INBOX {2000}"), HasSubstr("TAG NO [OVERQUOTA]"));
  EXPECT_THAT(one->say("GETQUOTAROOT INBOX"), HasSubstr("* QUOTA \"\" (STORAGE 0 "));
}

}  // namespace
}  // namespace posthorn::access
