// The machine: states, literals, APPEND, IDLE, logins, limits.
#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/test_support/imap_bench.h"

namespace posthorn::imap::server {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

class ImapServer : public testing::Test {
 protected:
  Settings settings = test_settings();
  ImapBench bench{settings};
};

// ---- before login ----------------------------------------------------------------------------------------------

TEST_F(ImapServer, GreetsAndOffersStartTls) {
  const auto greeting = bench.run();
  EXPECT_TRUE(greeting.starts_with("* OK [CAPABILITY IMAP4rev2 IMAP4rev1 LITERAL+ SASL-IR ID ENABLE")) << greeting;
  EXPECT_TRUE(contains(greeting, "STARTTLS LOGINDISABLED")) << greeting;
  EXPECT_FALSE(contains(greeting, "AUTH="));
  EXPECT_TRUE(contains(bench.line("a LOGIN ann secret"), "a NO [PRIVACYREQUIRED]"));
  EXPECT_TRUE(contains(bench.line("b AUTHENTICATE PLAIN"), "b NO [PRIVACYREQUIRED]"));
  EXPECT_TRUE(contains(bench.line("c SELECT INBOX"), "c BAD Log in first"));
  EXPECT_TRUE(contains(bench.line("d starttls"), "d OK"));
  EXPECT_TRUE(contains(bench.line("e CAPABILITY"), "AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256\r\n"));
  EXPECT_TRUE(contains(bench.line("f STARTTLS"), "f BAD"));
}

TEST_F(ImapServer, PlusMechanismsNeedBindings) {
  bench.bindings.tls_exporter = std::string(32, 'b');
  EXPECT_TRUE(contains(bench.line("a STARTTLS"), "a OK"));
  EXPECT_TRUE(contains(bench.line("b CAPABILITY"), "AUTH=SCRAM-SHA-256-PLUS"));
}

TEST_F(ImapServer, PlaintextBehindStartTlsEndsTheSession) {
  const auto answer = bench.feed("a STARTTLS\r\nb LOGIN eve stolen\r\n");
  EXPECT_TRUE(contains(answer, "a BAD"));
  EXPECT_FALSE(contains(answer, "b "));
  EXPECT_EQ(bench.closed, CloseReason::protocol);
}

TEST_F(ImapServer, UnknownLoginAndWrongPasswordSoundAlike) {
  bench.session.on_tls_established({});
  static_cast<void>(bench.run());
  const auto wrong = bench.line("a LOGIN ann wrong");
  EXPECT_EQ(wrong, "a NO [AUTHENTICATIONFAILED] Login or password not right\r\n");
  const auto plain = codec::base64_encode(std::string_view("\0nobody\0wrong", 13));
  EXPECT_EQ(bench.line("a AUTHENTICATE PLAIN " + plain), wrong);
  EXPECT_TRUE(contains(bench.line("a LOGIN ann wrong"), "* BYE Too many failed logins"));
  EXPECT_EQ(bench.closed, CloseReason::too_many_errors);
}

TEST_F(ImapServer, AuthenticatesWithAndWithoutInitialResponse) {
  bench.session.on_tls_established({});
  static_cast<void>(bench.run());
  const auto plain = codec::base64_encode(std::string_view("\0ann\0secret", 11));
  EXPECT_EQ(bench.line("a AUTHENTICATE plain"), "+ \r\n");
  EXPECT_TRUE(contains(bench.line("*"), "a BAD Authentication cancelled"));
  EXPECT_EQ(bench.line("b AUTHENTICATE PLAIN"), "+ \r\n");
  const auto answer = bench.line(plain);
  EXPECT_TRUE(answer.starts_with("b OK [CAPABILITY IMAP4rev2")) << answer;
  EXPECT_TRUE(contains(answer, "QRESYNC") && contains(answer, "APPENDLIMIT=1000"));
  EXPECT_FALSE(contains(answer, "AUTH=") || contains(answer, "STARTTLS"));
  EXPECT_EQ(bench.session.login(), "ann");
  EXPECT_TRUE(contains(bench.line("c LOGIN ann secret"), "c BAD"));
}

TEST_F(ImapServer, LoginsThatCannotBeChecked) {
  bench.session.on_tls_established({});
  bench.logins_unavailable = true;
  EXPECT_TRUE(contains(bench.line("a LOGIN ann secret"), "a NO [UNAVAILABLE]"));
  EXPECT_FALSE(bench.closed);
}

TEST_F(ImapServer, LoginWithLiterals) {
  bench.session.on_tls_established({});
  static_cast<void>(bench.run());
  EXPECT_EQ(bench.line("a LOGIN {3}"), "+ Ready for the literal\r\n");
  EXPECT_EQ(bench.line("ann {6}"), "+ Ready for the literal\r\n");
  EXPECT_TRUE(contains(bench.line("secret"), "a OK"));
}

TEST_F(ImapServer, LiteralsBeforeLoginAreShort) {
  bench.session.on_tls_established({});
  static_cast<void>(bench.run());
  EXPECT_EQ(bench.line("a LOGIN {1000000}"), "a BAD [LIMIT] The literal is too long\r\n");
  EXPECT_TRUE(contains(bench.line("b NOOP"), "b OK"));
}

// ---- lines -----------------------------------------------------------------------------------------------------

TEST_F(ImapServer, SaysWhatIsWrong) {
  bench.log_in();
  EXPECT_EQ(bench.line(""), "* BAD A tag is missing\r\n");
  EXPECT_EQ(bench.line("a"), "a BAD Missing argument\r\n");
  EXPECT_EQ(bench.line("a NONSENSE"), "a BAD Unknown command\r\n");
  EXPECT_EQ(bench.line("a+b NOOP"), "a BAD A space is missing\r\n");
  EXPECT_EQ(bench.line("a NOOP x"), "a BAD Too many arguments\r\n");
  EXPECT_EQ(bench.line("a FETCH 1 FLAGS"), "a BAD Select a mailbox first, or you are logged in already\r\n");
  EXPECT_EQ(bench.feed("a NOOP\n"), "a BAD A line must end with CRLF and hold no NUL\r\n");
  EXPECT_EQ(bench.line(std::string_view("a NO\0OP", 7)), "a BAD A line must end with CRLF and hold no NUL\r\n");
}

TEST_F(ImapServer, TooManyBadCommandsEndTheSession) {
  bench.log_in();
  for (std::uint32_t i = 1; i < settings.limits.bad_commands_max; ++i) static_cast<void>(bench.line("a X"));
  EXPECT_TRUE(contains(bench.line("b NOOP"), "b OK"));
  for (std::uint32_t i = 1; i < settings.limits.bad_commands_max; ++i) static_cast<void>(bench.line("a X"));
  EXPECT_FALSE(bench.closed);
  EXPECT_TRUE(contains(bench.line("a X"), "* BYE"));
  EXPECT_EQ(bench.closed, CloseReason::too_many_errors);
}

TEST_F(ImapServer, OctetByOctetIsTheSame) {
  bench.log_in();
  EXPECT_TRUE(contains(bench.feed("a SELECT {5+}\r\nINBOX\r\nb UID FETCH 1:* (FLAGS)\r\n", 1), "b OK"));
  EXPECT_EQ(bench.commands.size(), 2u);
}

TEST_F(ImapServer, ALongLineIsRefusedAndAnEndlessOneEnds) {
  bench.log_in();
  const auto answer = bench.feed("a SEARCH " + std::string(2 * command_octets_max, 'x') + "\r\nb NOOP\r\n");
  EXPECT_TRUE(contains(answer, "a BAD")) << answer.substr(0, 200);
  EXPECT_TRUE(contains(answer, "b OK"));
  const std::string part(1024 * 1024, 'x');
  for (int i = 0; i < 80 && !bench.closed; ++i) static_cast<void>(bench.feed(part));
  EXPECT_EQ(bench.closed, CloseReason::protocol);
}

// ---- literals --------------------------------------------------------------------------------------------------

TEST_F(ImapServer, FiveGigabytesAreNotRead) {
  bench.log_in();
  EXPECT_EQ(bench.line("a CREATE {5000000000}"), "a BAD [LIMIT] The literal is too long\r\n");
  EXPECT_TRUE(contains(bench.line("b NOOP"), "b OK"));
  const auto answer = bench.line("c CREATE {5000000000+}");
  EXPECT_TRUE(contains(answer, "c BAD [LIMIT]") && contains(answer, "* BYE")) << answer;
  EXPECT_EQ(bench.closed, CloseReason::protocol);
}

TEST_F(ImapServer, ARefusedLiteralIsDropped) {
  bench.log_in();
  const auto answer = bench.feed("a NONSENSE {12+}\r\nb LOGOUT\r\nxx {3+}\r\nabc x\r\nc NOOP\r\n");
  EXPECT_EQ(answer, "a BAD Unknown command\r\nc OK done\r\n");
  EXPECT_EQ(bench.line("d NONSENSE {12}"), "d BAD Unknown command\r\n");
}

// ---- APPEND ----------------------------------------------------------------------------------------------------

TEST_F(ImapServer, AppendsAreStreamed) {
  bench.log_in();
  EXPECT_EQ(bench.line("a APPEND saved (\\Seen $Junk) \"17-Jul-1996 02:44:25 -0700\" {10}"),
            "+ Ready for the message\r\n");
  EXPECT_EQ(bench.feed("From: a\r\n\r"), "");
  EXPECT_EQ(bench.feed("\r\n"), "a OK [APPENDUID 7 1] APPEND completed\r\n");
  ASSERT_EQ(bench.appends.size(), 1u);
  EXPECT_EQ(bench.appends[0].octets, "From: a\r\n\r");
  EXPECT_TRUE(bench.appends[0].message.flags.has(SystemFlag::seen));
  EXPECT_EQ(rfc3339(*bench.appends[0].message.internal_date), "1996-07-17T09:44:25Z");
}

TEST_F(ImapServer, AppendOfALiteralMailbox) {
  bench.log_in();
  EXPECT_EQ(bench.line("a APPEND {5}"), "+ Ready for the literal\r\n");
  EXPECT_EQ(bench.line("inbox {3}"), "+ Ready for the message\r\n");
  EXPECT_TRUE(contains(bench.line("abc"), "a OK"));
  EXPECT_EQ(bench.appends[0].target.mailbox, "INBOX");
  EXPECT_TRUE(contains(bench.feed("b APPEND {5+}\r\ninbox {3+}\r\nabc\r\n", 2), "b OK"));
}

TEST_F(ImapServer, MultiAppendIsOneCommand) {
  bench.log_in();
  EXPECT_TRUE(contains(bench.feed("a APPEND x {1+}\r\n1 (\\Draft) {2+}\r\n22 ~{3+}\r\n333\r\n", 5), "a OK"));
  ASSERT_EQ(bench.appends.size(), 3u);
  EXPECT_TRUE(bench.appends[2].message.is_binary);
  EXPECT_EQ(bench.appends[2].message.index, 2u);
  EXPECT_EQ(bench.appends[1].octets, "22");
  EXPECT_EQ(bench.events.back(), "append ends");
}

TEST_F(ImapServer, AppendsThatAreRefused) {
  bench.log_in();
  EXPECT_EQ(bench.line("a APPEND missing {10}"), "a NO [TRYCREATE] No such mailbox\r\n");
  EXPECT_EQ(bench.feed("b APPEND missing {3+}\r\nabc\r\nc NOOP\r\n"),
            "b NO [TRYCREATE] No such mailbox\r\nc OK done\r\n");
  EXPECT_EQ(bench.line("d APPEND x {1001}"), "d NO [TOOBIG] The message is too big\r\n");
  EXPECT_EQ(bench.line("e APPEND x {0}"), "e NO A message has at least one octet\r\n");
  EXPECT_EQ(bench.line("f APPEND x (\\Recent) {5}"), "f BAD Unknown system flag\r\n");
  EXPECT_EQ(bench.line("g APPEND x"), "g BAD A message literal is missing\r\n");
  EXPECT_EQ(bench.line("h APPEND x \"no date\" {5}"), "h BAD Not a date-time\r\n");
  EXPECT_EQ(bench.line("i APPEND x UTF8 (~{5}"), "i BAD UTF8=ACCEPT is not enabled\r\n");
  EXPECT_TRUE(bench.appends.empty());
}

TEST_F(ImapServer, AMultiAppendThatBreaksIsDropped) {
  bench.log_in();
  EXPECT_TRUE(contains(bench.feed("a APPEND x {1+}\r\n1 {0+}\r\n\r\nb NOOP\r\n"), "a NO A message"));
  EXPECT_TRUE(bench.appends.empty());
  EXPECT_TRUE(contains(bench.feed("c APPEND x {1+}\r\n1 garbage\r\n"), "c BAD"));
  EXPECT_TRUE(bench.appends.empty());
  EXPECT_EQ(bench.events.back().substr(0, 7), "refused");
  static_cast<void>(bench.feed("d APPEND x {3+}\r\n1"));
  bench.session.on_disconnect();
  static_cast<void>(bench.run());
  EXPECT_EQ(bench.events.back(), "append aborted");
}

TEST_F(ImapServer, ReplaceAndUtf8) {
  bench.log_in();
  static_cast<void>(bench.line("e ENABLE UTF8=ACCEPT"));
  static_cast<void>(bench.line("s SELECT INBOX"));
  EXPECT_TRUE(contains(bench.feed("a UID REPLACE 5 \"é\" (\\Draft) UTF8 (~{3+}\r\nabc)\r\n"), "a OK"));
  EXPECT_TRUE(bench.appends[0].target.is_replace && bench.appends[0].target.is_uid && bench.appends[0].message.is_utf8);
  EXPECT_EQ(bench.appends[0].target.replaced, 5u);
  EXPECT_TRUE(contains(bench.feed("b REPLACE * {5+}\r\nINBOX {3+}\r\nabc {3+}\r\nabc\r\n"), "b BAD"));
  EXPECT_TRUE(contains(bench.line("c NOOP"), "c OK"));
}

// ---- states ----------------------------------------------------------------------------------------------------

TEST_F(ImapServer, SelectClosesWhatWasSelected) {
  bench.log_in();
  bench.execute = [](Session& session, const Execute& execution) {
    const auto* select = std::get_if<SelectCommand>(&execution.command);
    const bool is_missing = select != nullptr && select->mailbox == "missing";
    session.complete(is_missing ? Condition::no : Condition::ok, "done");
  };
  EXPECT_EQ(bench.line("a SELECT x"), "a OK done\r\n");
  EXPECT_EQ(bench.session.state(), State::selected);
  EXPECT_EQ(bench.line("b SELECT missing"), "* OK [CLOSED] Previous mailbox closed\r\nb NO done\r\n");
  EXPECT_EQ(bench.session.state(), State::authenticated);
  EXPECT_TRUE(contains(bench.line("c FETCH 1 UID"), "c BAD"));
  static_cast<void>(bench.line("d EXAMINE x"));
  EXPECT_EQ(bench.line("e UNSELECT"), "e OK done\r\n");
  EXPECT_EQ(bench.session.state(), State::authenticated);
}

TEST_F(ImapServer, DoneAndTheNextCommandInOnePacket) {
  bench.log_in();
  EXPECT_EQ(bench.line("a IDLE"), "+ idling\r\n");
  EXPECT_TRUE(bench.session.is_idling());
  EXPECT_EQ(bench.session.deadline(), Deadline::idle);
  bench.session.responses().exists(3);
  EXPECT_EQ(bench.feed("DONE\r\nb SELECT INBOX\r\n"), "* 3 EXISTS\r\na OK IDLE completed\r\nb OK done\r\n");
  EXPECT_EQ(bench.feed("c IDLE\r\nDONE\r\nd NOOP\r\n"), "+ idling\r\nc OK IDLE completed\r\nd OK done\r\n");
}

TEST_F(ImapServer, IdleEndsOtherwise) {
  bench.log_in();
  static_cast<void>(bench.line("a IDLE"));
  EXPECT_EQ(bench.line("b NOOP"), "a BAD DONE was expected\r\n");
  static_cast<void>(bench.line("c IDLE"));
  bench.session.on_shutdown();
  const auto answer = bench.run();
  EXPECT_TRUE(contains(answer, "* BYE [UNAVAILABLE]"));
  EXPECT_FALSE(contains(answer, "c OK"));
  EXPECT_EQ(bench.closed, CloseReason::shutdown);
}

TEST_F(ImapServer, EnableIdCapabilityLogout) {
  bench.log_in();
  EXPECT_EQ(bench.line("a ENABLE CONDSTORE X-UNKNOWN imap4REV2"),
            "* ENABLED CONDSTORE IMAP4rev2\r\na OK ENABLE completed\r\n");
  EXPECT_EQ(bench.line("b ENABLE CONDSTORE"), "* ENABLED\r\nb OK ENABLE completed\r\n");
  EXPECT_EQ(bench.line("c ID (\"name\" \"sodr\" \"version\" NIL)"),
            "* ID (\"name\" \"Posthorn\")\r\nc OK ID completed\r\n");
  EXPECT_EQ(bench.line("d ID NIL").substr(0, 5), "* ID ");
  EXPECT_TRUE(contains(bench.line("e ID (\"name\")"), "e BAD"));
  EXPECT_EQ(bench.line("f LOGOUT"), "* BYE Logging out\r\nf OK LOGOUT completed\r\n");
  EXPECT_EQ(bench.closed, CloseReason::logout);
}

TEST_F(ImapServer, TimeoutAndRevocation) {
  bench.log_in();
  bench.session.end(code::expired(), "This login was revoked");
  EXPECT_EQ(bench.run(), "* BYE [EXPIRED] This login was revoked\r\n");
  EXPECT_EQ(bench.closed, CloseReason::ended);
  ImapBench other(settings);
  static_cast<void>(other.run());
  other.session.on_timeout();
  EXPECT_TRUE(contains(other.run(), "* BYE Not logged in for too long"));
}

TEST_F(ImapServer, TheTableNamesEveryCommand) {
  for (const auto& row : command_rows()) {
    EXPECT_FALSE(row.legal.empty());
    ImapBench each(settings);
    each.log_in();
    const auto answer = each.line("a " + std::string(row.name) + " \x01");
    EXPECT_TRUE(contains(answer, "a BAD")) << row.name << ": " << answer;
  }
}

}  // namespace
}  // namespace posthorn::imap::server
