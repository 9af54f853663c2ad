#include "standards/smtp/reply.h"

#include <gtest/gtest.h>

#include "standards/smtp/extensions.h"
#include "standards/smtp/parameters.h"

namespace posthorn::smtp {
namespace {

std::string wire(const Reply& reply, bool utf8 = false) {
  std::string out;
  reply.append_wire(out, utf8);
  return out;
}

TEST(Reply, WritesLinesWithStatusOnEach) {
  EXPECT_EQ(wire(Reply(250, "mx")), "250 mx\r\n");
  EXPECT_EQ(wire(Reply(334, "")), "334 \r\n");
  EXPECT_EQ(wire(Reply(550, {5, 7, 1}, "a\nb")), "550-5.7.1 a\r\n550 5.7.1 b\r\n");
  EXPECT_EQ(Reply(550, {5, 7, 1}, "a\nb").one_line(), "550 5.7.1 a b");
}

TEST(Reply, LetsNoTextBreakTheProtocol) {
  EXPECT_EQ(wire(Reply(550, {5, 7, 1}, "a\r250 b\x01\xc3\xa4")), "550 5.7.1 a?250 b???\r\n");
  EXPECT_EQ(wire(Reply(550, {5, 7, 1}, "\xc3\xa4"), true), "550 5.7.1 \xc3\xa4\r\n");
  const auto long_text = wire(Reply(550, {5, 7, 1}, std::string(1200, 'x')));
  std::size_t begin = 0;
  std::size_t lines = 0;
  while (begin < long_text.size()) {
    const auto end = long_text.find("\r\n", begin) + 2;
    EXPECT_LE(end - begin, 512U);
    EXPECT_EQ(long_text.substr(begin, 3), "550");
    EXPECT_EQ(long_text[begin + 3], end == long_text.size() ? ' ' : '-');
    begin = end;
    ++lines;
  }
  EXPECT_EQ(lines, 3U);
}

TEST(EnhancedStatus, ReadsRfc3463) {
  EXPECT_EQ(EnhancedStatus::parse("5.1.1"), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(EnhancedStatus::parse("4.7.999"), (EnhancedStatus{4, 7, 999}));
  for (const char* bad : {"", "5", "5.1", "5.1.", "3.1.1", "5.1.1.1", "5.1.1000", "5.1.1 ", "x.1.1", "5..1"}) {
    EXPECT_FALSE(EnhancedStatus::parse(bad)) << bad;
  }
}

std::optional<Reply> parse(std::string_view octets, std::size_t segment) {
  ReplyParser parser;
  while (!octets.empty()) {
    auto piece = octets.substr(0, segment);
    octets.remove_prefix(piece.size());
    const auto state = parser.feed(piece);
    if (state == ReplyParser::State::garbage) return std::nullopt;
    if (state == ReplyParser::State::complete) return parser.take();
  }
  return std::nullopt;
}

TEST(ReplyParser, ReadsRepliesInPieces) {
  for (const std::size_t segment : {1U, 2U, 7U, 1000U}) {
    EXPECT_EQ(parse("250 2.1.0 ok\r\n", segment), Reply(250, {2, 1, 0}, "ok"));
    EXPECT_EQ(parse("250-mx\r\n250-SIZE 10\r\n250 DSN\r\n", segment), Reply(250, "mx\nSIZE 10\nDSN"));
    EXPECT_EQ(parse("550-5.7.1 a\r\n550 5.7.1 b\r\n", segment), Reply(550, {5, 7, 1}, "a\nb"));
    EXPECT_EQ(parse("354\r\n", segment), Reply(354, ""));
    EXPECT_EQ(parse("220 mx\n", segment), Reply(220, "mx"));
    EXPECT_EQ(parse("450 5.1.1 lies\r\n", segment), Reply(450, "5.1.1 lies")) << "the class must be the code's";
    EXPECT_EQ(parse("250-a\r\n", segment), std::nullopt);
  }
}

TEST(ReplyParser, KnowsGarbage) {
  for (const char* text : {"\r\n", "hello\r\n", "25 x\r\n", "2500 x\r\n", "199 x\r\n", "600 x\r\n",
                           "250-a\r\n251 b\r\n", "250_a\r\n", "HTTP/1.1 200 OK\r\n"}) {
    std::string_view rest = text;
    ReplyParser parser;
    EXPECT_EQ(parser.feed(rest), ReplyParser::State::garbage) << text;
  }
}

TEST(ReplyParser, IsBounded) {
  ReplyParser parser;
  const std::string endless(100'000, '2');
  std::string_view rest = endless;
  EXPECT_EQ(parser.feed(rest), ReplyParser::State::garbage);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "250-" + std::string(1000, 'x') + "\r\n";
  ReplyParser other;
  rest = many;
  EXPECT_EQ(other.feed(rest), ReplyParser::State::garbage);
}

TEST(Extensions, ReadBackWhatTheyWrite) {
  Extensions offered;
  offered.pipelining = offered.eight_bit_mime = offered.dsn = offered.size = offered.auth_offered = true;
  offered.size_octets_max = 1000;
  offered.rcptmax = 50;
  offered.auth = {sasl::Mechanism::plain};
  EXPECT_EQ(parse_extensions("mx\n" + extensions_text(offered)), offered);
  const auto odd = parse_extensions("PIPELINING\nsize\nauth CRAM-MD5\nLIMITS X=1 RCPTMAX=0 MAILMAX=7\n\nAUTH=LOGIN");
  EXPECT_FALSE(odd.pipelining) << "the first line is the host's name";
  EXPECT_TRUE(odd.size);
  EXPECT_EQ(odd.size_octets_max, 0U);
  EXPECT_TRUE(odd.auth_offered);
  EXPECT_TRUE(odd.auth.empty());
  EXPECT_EQ(odd.rcptmax, std::nullopt);
  EXPECT_EQ(odd.mailmax, 7U);
}

TEST(Parameters, ReadBackWhatTheyWrite) {
  Extensions all;
  all.size = all.eight_bit_mime = all.smtputf8 = all.dsn = all.auth_offered = all.requiretls = true;
  const std::string mail = " SIZE=5 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+2Bb AUTH=<>";
  const auto parameters = parse_mail_parameters(mail, all);
  ASSERT_TRUE(parameters) << parameters.error().one_line();
  EXPECT_EQ(parameters->envid, "a+b");
  EXPECT_EQ(mail_parameters_text(*parameters, all), mail);
  EXPECT_EQ(mail_parameters_text(*parameters, {}), "");
  const std::string rcpt = " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@c.example";
  const auto recipient = parse_rcpt_parameters(rcpt, all);
  ASSERT_TRUE(recipient);
  EXPECT_EQ(recipient->orcpt->value, "a+b@c.example");
  EXPECT_EQ(rcpt_parameters_text(*recipient, all), rcpt);
  // RFC 6533 3: the type utf-8 has an encoding of its own.
  for (const char* text : {" ORCPT=utf-8;\\x{3B4}\\x{2B}a@c.example", " ORCPT=UTF-8;\xce\xb4\\x{2B}a@c.example"}) {
    const auto utf8 = parse_rcpt_parameters(text, all);
    ASSERT_TRUE(utf8) << text;
    EXPECT_EQ(utf8->orcpt->value, "\xce\xb4+a@c.example");
    EXPECT_EQ(rcpt_parameters_text(*utf8, all), " ORCPT=utf-8;\\x{3B4}\\x{2B}a@c.example");
  }
  for (const char* bad : {" ORCPT=utf-8;\\x{D800}", " ORCPT=utf-8;\\x{110000}", " ORCPT=utf-8;\\x{}",
                          " ORCPT=utf-8;\\x{41", " ORCPT=utf-8;\xff", " ORCPT=utf-8;\\x{A}"}) {
    EXPECT_FALSE(parse_rcpt_parameters(bad, all)) << bad;
  }
  EXPECT_TRUE(Notify::parse("never")->is_never());
  for (const char* bad : {"", "NEVER,SUCCESS", "SUCCESS,", "X"}) EXPECT_FALSE(Notify::parse(bad)) << bad;
}

}  // namespace
}  // namespace posthorn::smtp
