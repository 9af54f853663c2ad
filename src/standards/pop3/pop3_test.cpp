// POP3 sessions word for word: RFC 1939's own example, every command, every response code, what a hostile peer sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/sasl/client.h"
#include "standards/test_support/pop3_pump.h"

namespace posthorn::pop3::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Pop3Test : public testing::Test {
 protected:
  Pop3Test() {
    settings.host_name = "mail.alpha.example";
    settings.stls = true;
    settings.mechanisms = {sasl::Mechanism::scram_sha_256, sasl::Mechanism::plain};
    settings.unknown_login_secret = "secret";
    settings.random = [](std::size_t count) { return std::string(count, 'r'); };
  }
  /// A session under TLS.
  Pop3Pump& begin() {
    pump = std::make_unique<Pop3Pump>(settings);
    pump->say("");
    pump->session().on_tls_established({});
    return *pump;
  }
  Pop3Pump& logged_in(std::vector<std::string> messages) {
    Pop3Pump& session = begin();
    session.messages = std::move(messages);
    EXPECT_THAT(session.say("USER ann@alpha.example\r\nPASS open sesame\r\n"), HasSubstr("messages ("));
    return session;
  }
  Settings settings;
  std::unique_ptr<Pop3Pump> pump;
};

std::string of_octets(std::size_t octets) {
  return std::string(octets - 2, 'x') + "\r\n";
}

// ---------------------------------------------------------------- RFC 1939

TEST_F(Pop3Test, TheSessionOfRfc1939Section10) {
  // With USER for APOP, and our own words behind the indicators.
  auto& s = begin();
  s.messages = {of_octets(120), of_octets(200)};
  EXPECT_EQ(s.say("USER ann@alpha.example\r\n"), "+OK Send PASS\r\n");
  EXPECT_EQ(s.say("PASS open sesame\r\n"), "+OK 2 messages (320 octets)\r\n");
  EXPECT_EQ(s.say("STAT\r\n"), "+OK 2 320\r\n");
  EXPECT_EQ(s.say("LIST\r\n"), "+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n");
  EXPECT_EQ(s.say("RETR 1\r\n"), "+OK Message follows\r\n" + of_octets(120) + ".\r\n");
  EXPECT_THAT(s.say("DELE 1\r\n"), StartsWith("+OK"));
  EXPECT_EQ(s.say("RETR 2\r\n"), "+OK Message follows\r\n" + of_octets(200) + ".\r\n");
  EXPECT_THAT(s.say("DELE 2\r\n"), StartsWith("+OK"));
  EXPECT_EQ(s.say("QUIT\r\n"), "+OK Goodbye\r\n");
  EXPECT_THAT(s.removed, ElementsAre(0u, 1u));
  EXPECT_TRUE(s.closed);
}

TEST_F(Pop3Test, DeletedMessagesAreNoLongerThereAndTheirNumbersStand) {
  auto& s = logged_in({of_octets(120), of_octets(200), of_octets(30)});
  EXPECT_THAT(s.say("DELE 2\r\n"), StartsWith("+OK"));
  EXPECT_EQ(s.say("STAT\r\n"), "+OK 2 150\r\n");
  EXPECT_EQ(s.say("LIST\r\n"), "+OK 2 messages (150 octets)\r\n1 120\r\n3 30\r\n.\r\n");
  EXPECT_EQ(s.say("LIST 3\r\n"), "+OK 3 30\r\n");
  for (const char* const command : {"LIST 2\r\n", "RETR 2\r\n", "DELE 2\r\n", "UIDL 2\r\n", "TOP 2 1\r\n"})
    EXPECT_EQ(s.say(command), "-ERR That message is deleted\r\n") << command;
  for (const char* const command :
       {"LIST 4\r\n", "RETR 0\r\n", "DELE x\r\n", "RETR\r\n", "RETR 18446744073709551617\r\n"})
    EXPECT_EQ(s.say(command), "-ERR There is no such message\r\n") << command;
  EXPECT_THAT(s.say("RSET\r\n"), StartsWith("+OK"));
  EXPECT_EQ(s.say("STAT\r\n"), "+OK 3 350\r\n");
  EXPECT_EQ(s.say("UIDL\r\n"), "+OK Unique ids\r\n1 id1\r\n2 id2\r\n3 id3\r\n.\r\n");
  EXPECT_EQ(s.say("UIDL 2\r\n"), "+OK 2 id2\r\n");
}

TEST_F(Pop3Test, ADropWithoutQuitDeletesNothing) {
  auto& s = logged_in({of_octets(120)});
  s.say("DELE 1\r\n");
  s.session().on_disconnect();
  s.say("");
  EXPECT_TRUE(s.closed);
  EXPECT_TRUE(s.removed.empty());
  auto& again = logged_in({of_octets(120)});
  again.say("DELE 1\r\n");
  again.session().on_timeout();
  EXPECT_EQ(again.say(""), "") << "RFC 1939 3: without a word";
  EXPECT_TRUE(again.removed.empty());
}

TEST_F(Pop3Test, DotsAreStuffedWhereverThePiecesAreCut) {
  const std::string text = "Subject: x\r\n\r\n.\r\n..a\r\n\r\n.b\nbare\n.c\r\n";
  const std::string wire = "Subject: x\r\n\r\n..\r\n...a\r\n\r\n..b\nbare\n..c\r\n.\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    auto& s = logged_in({text});
    s.piece = piece;
    EXPECT_EQ(s.say("RETR 1\r\n"), "+OK Message follows\r\n" + wire) << piece;
  }
}

TEST_F(Pop3Test, AMessageWithoutItsLastLineEndGetsOne) {
  EXPECT_EQ(logged_in({"Subject: x\r\n\r\nend"}).say("RETR 1\r\n"),
            "+OK Message follows\r\nSubject: x\r\n\r\nend\r\n.\r\n");
}

TEST_F(Pop3Test, TopGivesTheHeaderAndSoManyLines) {
  const std::string text = "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    auto& s = logged_in({text});
    s.piece = piece;
    EXPECT_EQ(s.say("TOP 1 0\r\n"), "+OK Message follows\r\nA: 1\r\nB: 2\r\n\r\n.\r\n");
    EXPECT_EQ(s.say("TOP 1 2\r\n"), "+OK Message follows\r\nA: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n.\r\n");
    EXPECT_EQ(s.say("TOP 1 99\r\n"), "+OK Message follows\r\n" + text + ".\r\n");
    EXPECT_EQ(s.say("TOP 1\r\n"), "-ERR Write TOP message lines\r\n");
  }
}

// ---------------------------------------------------------------- the login

TEST_F(Pop3Test, NoPasswordIsTakenInClear) {
  Pop3Pump s(settings);
  EXPECT_EQ(s.say(""), "+OK mail.alpha.example POP3 ready\r\n");
  EXPECT_THAT(s.say("USER ann@alpha.example\r\n"), StartsWith("-ERR Say STLS first"));
  EXPECT_THAT(s.say("AUTH PLAIN AGFubg==\r\n"), StartsWith("-ERR Say STLS first"));
  const std::string clear = s.say("CAPA\r\n");
  EXPECT_THAT(clear, HasSubstr("\r\nSTLS\r\n"));
  EXPECT_THAT(clear, Not(HasSubstr("\r\nSASL")));
  EXPECT_THAT(clear, Not(HasSubstr("\r\nUSER\r\n")));
  EXPECT_EQ(s.say("STLS\r\n"), "+OK Begin TLS\r\n");
  EXPECT_EQ(s.say("CAPA\r\n"),
            "+OK Capabilities\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\n"
            "SASL SCRAM-SHA-256 PLAIN\r\nEXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION Posthorn\r\n.\r\n");
  EXPECT_EQ(s.say("STLS\r\n"), "-ERR TLS is active already\r\n");
}

TEST_F(Pop3Test, WhatStandsInClearBehindStlsEndsTheSession) {
  Pop3Pump s(settings);
  s.say("");
  EXPECT_EQ(s.say("STLS\r\nUSER mallory\r\n"), "+OK Begin TLS\r\n");
  EXPECT_TRUE(s.closed);
}

TEST_F(Pop3Test, UnknownUserAndWrongPasswordSoundAlike) {
  auto& unknown = begin();
  EXPECT_EQ(unknown.say("USER nobody\r\n"), "+OK Send PASS\r\n");
  const std::string first = unknown.say("PASS x\r\n");
  auto& wrong = begin();
  wrong.say("USER ann@alpha.example\r\n");
  EXPECT_EQ(wrong.say("PASS x\r\n"), first);
  EXPECT_EQ(first, "-ERR [AUTH] Login or password not right\r\n");
  EXPECT_EQ(wrong.say("PASS open sesame\r\n"), "-ERR Say USER first\r\n") << "each PASS needs its USER";
  wrong.say("USER ann@alpha.example\r\nPASS x\r\n");
  wrong.say("USER ann@alpha.example\r\nPASS x\r\n");
  EXPECT_TRUE(wrong.closed) << "three attempts";
}

TEST_F(Pop3Test, AuthPlainWithAndWithoutInitialResponse) {
  const std::string response = codec::base64_encode(std::string("\0ann@alpha.example\0open sesame", 30));
  EXPECT_EQ(begin().say("AUTH PLAIN " + response + "\r\n"), "+OK 0 messages (0 octets)\r\n");
  auto& s = begin();
  EXPECT_EQ(s.say("auth plain\r\n"), "+ \r\n");
  EXPECT_EQ(s.say(response + "\r\n"), "+OK 0 messages (0 octets)\r\n");
  auto& cancelled = begin();
  cancelled.say("AUTH PLAIN\r\n");
  EXPECT_EQ(cancelled.say("*\r\n"), "-ERR Authentication cancelled\r\n");
  EXPECT_EQ(cancelled.say("AUTH PLAIN =\r\n"), "-ERR The response does not follow the mechanism\r\n");
  EXPECT_EQ(cancelled.say("AUTH PLAIN !\r\n"), "-ERR The response is not base64\r\n");
  EXPECT_EQ(cancelled.say("AUTH CRAM-MD5\r\n"), "-ERR Mechanism not offered; CAPA lists those that are\r\n");
  EXPECT_EQ(cancelled.say("AUTH\r\n"), "+OK Mechanisms\r\nSCRAM-SHA-256\r\nPLAIN\r\n.\r\n");
}

TEST_F(Pop3Test, ScramBothWays) {
  auto& s = begin();
  s.verifier = sasl::make_scram_verifier("open sesame", "0123456789abcdef");
  sasl::ClientExchange client(sasl::Mechanism::scram_sha_256, {"ann@alpha.example", "", "open sesame"}, {}, "nonce",
                              false);
  std::string said = s.say("AUTH SCRAM-SHA-256 " + codec::base64_encode(*client.initial_response()) + "\r\n");
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(said, StartsWith("+ "));
    const auto challenge = codec::base64_decode(std::string_view(said).substr(2, said.size() - 4));
    said = s.say(codec::base64_encode(*client.respond(*challenge)) + "\r\n");
  }
  EXPECT_EQ(said, "+OK 0 messages (0 octets)\r\n");
  EXPECT_TRUE(client.may_succeed());
}

TEST_F(Pop3Test, ResponseCodesSayWhatToDo) {
  auto& locked = begin();
  locked.locked = true;
  EXPECT_THAT(locked.say("USER ann@alpha.example\r\nPASS open sesame\r\n"), HasSubstr("-ERR [IN-USE] "));
  locked.locked = false;
  EXPECT_THAT(locked.say("USER ann@alpha.example\r\nPASS open sesame\r\n"), HasSubstr("+OK 0 messages"));
  auto& busy = begin();
  busy.busy = true;
  EXPECT_THAT(busy.say("USER ann@alpha.example\r\nPASS open sesame\r\n"), HasSubstr("-ERR [SYS/TEMP] Too many"));
  auto& damaged = logged_in({""});
  EXPECT_EQ(damaged.say("RETR 1\r\n"), "-ERR [SYS/PERM] The message cannot be read\r\n");
  auto& full = logged_in({of_octets(10)});
  full.update_fails = true;
  EXPECT_EQ(full.say("QUIT\r\n"), "-ERR [SYS/TEMP] Nothing was deleted\r\n");
  EXPECT_TRUE(full.closed);
}

// ---------------------------------------------------------------- lines and states

TEST_F(Pop3Test, CommandsInTheWrongStateAreRefused) {
  auto& s = begin();
  for (const char* const command : {"STAT\r\n", "LIST\r\n", "RETR 1\r\n", "NOOP\r\n", "RSET\r\n", "UIDL\r\n"})
    EXPECT_EQ(s.say(command), "-ERR Log in first\r\n") << command;
  auto& in = logged_in({});
  for (const char* const command : {"USER x\r\n", "PASS x\r\n", "AUTH PLAIN\r\n", "STLS\r\n", "UTF8\r\n"})
    EXPECT_EQ(in.say(command), "-ERR Already logged in\r\n") << command;
  EXPECT_EQ(in.say("XYZZY\r\n"), "-ERR Unknown command\r\n");
  EXPECT_EQ(in.say("noop\r\n"), "+OK Nothing done\r\n");
}

TEST_F(Pop3Test, PipelinedCommandsAreAnsweredInOrderHoweverTheyAreCut) {
  const std::string all = "USER ann@alpha.example\r\nPASS open sesame\r\nSTAT\r\nNOOP\r\nQUIT\r\n";
  const std::string answer = begin().say(all);
  auto& s = begin();
  std::string piecewise;
  for (const char octet : all) piecewise += s.say(std::string(1, octet));
  EXPECT_EQ(piecewise, answer);
  EXPECT_THAT(answer, testing::EndsWith("+OK Goodbye\r\n"));
}

TEST_F(Pop3Test, LongLinesAreRefusedAndEndlessOnesEndTheSession) {
  auto& s = logged_in({});
  EXPECT_EQ(s.say("NOOP " + std::string(300, 'x') + "\r\n"), "-ERR The line is too long\r\n");
  EXPECT_EQ(s.say("NOOP\r\n"), "+OK Nothing done\r\n");
  EXPECT_EQ(s.say(std::string(endless_line_octets_max + 1, 'x')), "-ERR The line does not end\r\n");
  EXPECT_TRUE(s.closed);
  auto& stubborn = logged_in({});
  for (int i = 0; i < 20; ++i) stubborn.say("BAD\r\n");
  EXPECT_TRUE(stubborn.closed);
}

TEST_F(Pop3Test, OnlyCrlfEndsALine) {
  auto& s = logged_in({of_octets(120)});
  EXPECT_EQ(s.say("NOOP\nDELE 1\r\n"), "-ERR A line ends with CRLF\r\n");
  EXPECT_EQ(s.say("NOOP\rDELE 1\r\n"), "-ERR A line ends with CRLF\r\n");
  EXPECT_EQ(s.say("NOOP\n"), "");
  EXPECT_EQ(s.say("\r\n"), "-ERR A line ends with CRLF\r\n");
  EXPECT_EQ(s.say("NOOP\r"), "");
  EXPECT_EQ(s.say("\n"), "+OK Nothing done\r\n") << "CRLF over two pieces";
  EXPECT_EQ(s.say("STAT\r\n"), "+OK 1 120\r\n");
}

TEST_F(Pop3Test, StlsComesBeforeUtf8) {
  Pop3Pump s(settings);
  s.say("");
  EXPECT_EQ(s.say("UTF8\r\n"), "+OK UTF8 enabled\r\n");
  EXPECT_EQ(s.say("STLS\r\n"), "-ERR STLS comes before UTF8\r\n");
}

TEST_F(Pop3Test, LanguagesAndUtf8) {
  auto& s = begin();
  EXPECT_EQ(s.say("UTF8\r\n"), "+OK UTF8 enabled\r\n");
  EXPECT_TRUE(s.session().is_utf8());
  EXPECT_EQ(s.say("LANG\r\n"), "+OK Languages\r\nen English\r\n.\r\n");
  EXPECT_THAT(s.say("LANG *\r\n"), StartsWith("+OK en "));
  EXPECT_THAT(s.say("LANG fr\r\n"), StartsWith("-ERR"));
}

TEST_F(Pop3Test, EveryCommandHasARow) {
  EXPECT_EQ(command_rows().size(), 16u);
  for (const CommandRow& row : command_rows()) EXPECT_THAT(std::string(row.syntax), StartsWith(std::string(row.verb)));
}

}  // namespace
}  // namespace posthorn::pop3::server
