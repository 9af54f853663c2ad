// The client's reader against the server's writer, and against what breaks.
#include "standards/imap/client.h"

#include <gtest/gtest.h>

#include "standards/test_support/imap_bench.h"

namespace posthorn::imap::client {
namespace {

TEST(ImapClient, ReadsResponsesInPieces) {
  const std::string_view wire =
      "* 12 FETCH (UID 5 BODY[HEADER.FIELDS (From \"To\")]<0> {5}\r\na)\r\nb FLAGS (\\Seen) X NIL)\r\n"
      "a1 OK [READ-WRITE] SELECT completed\r\n+ go ahead\r\n* LIST () \"/\" \"a \\\"b\"\r\n";
  for (const std::size_t piece : {1u, 3u, 200u}) {
    ResponseReader reader;
    std::vector<Response> responses;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      reader.push(wire.substr(at, piece));
      while (auto response = reader.next()) responses.push_back(std::move(*response));
    }
    ASSERT_EQ(responses.size(), 4u);
    EXPECT_EQ(responses[0].number, 12u);
    const auto& items = responses[0].values.at(0);
    EXPECT_EQ(items.after("uid")->number(), 5u);
    EXPECT_EQ(items.after("BODY[HEADER.FIELDS (From \"To\")]<0>")->text, "a)\r\nb");
    EXPECT_EQ(items.after("FLAGS")->items.front().text, "\\Seen");
    EXPECT_EQ(responses[1].code, "READ-WRITE");
    EXPECT_EQ(responses[2].text, "go ahead");
    EXPECT_EQ(responses[3].values.at(2).text, "a \"b");
  }
}

// RFC 9051 9: '~' is an ATOM-CHAR; it begins a literal8 only where '{' follows.
TEST(ImapClient, ATildeMayBeAnAtom) {
  ResponseReader reader;
  reader.push("* LIST () \"/\" ~\r\n* LIST () \"/\" ~ann\r\n* 1 FETCH (BINARY[1] ~{2}\r\n\r\n)\r\n");
  EXPECT_EQ(reader.next()->values.at(2).text, "~");
  EXPECT_EQ(reader.next()->values.at(2).text, "~ann");
  EXPECT_EQ(reader.next()->values.at(0).after("BINARY[1]")->text, "\r\n");
}

TEST(ImapClient, WhatIsNoResponse) {
  for (const auto* wire : {"\r\n", "* \r\n", "* LIST (\r\n", "* LIST )\r\n", "* X \"open\r\n",
                           "* FETCH {99999999999}\r\n", "a FETCH x\r\n"}) {
    ResponseReader reader;
    reader.push(wire);
    EXPECT_FALSE(reader.next()) << wire;
    EXPECT_TRUE(reader.broken()) << wire;
  }
  ResponseReader deep;
  deep.push("* X " + std::string(100'000, '(') + "\r\n");
  EXPECT_FALSE(deep.next());
  EXPECT_TRUE(deep.broken());
}

TEST(ImapClient, TheServerUnderstandsIt) {
  const auto settings = server::test_settings();
  server::ImapBench bench(settings);
  bench.log_in();
  const auto line = CommandWriter("t", "RENAME").mailbox("Entwürfe & so").astring("b \"c").line();
  EXPECT_EQ(bench.feed(line), "t OK done\r\n");
  EXPECT_EQ(std::get<RenameCommand>(bench.commands.back().command).from, "Entwürfe & so");
  EXPECT_EQ(bench.feed(CommandWriter("q", "GETQUOTA").astring("b\r\n\"").line()), "q OK done\r\n");
  EXPECT_EQ(std::get<GetQuotaCommand>(bench.commands.back().command).root, "b\r\n\"");
  EXPECT_EQ(
      bench.feed(CommandWriter("u", "APPEND").mailbox("x").word("(\\Seen)").literal(std::string("a\0b", 3)).line()),
      "u OK [APPENDUID 7 1] APPEND completed\r\n");
  EXPECT_TRUE(bench.appends.back().message.is_binary);
}

}  // namespace
}  // namespace posthorn::imap::client
