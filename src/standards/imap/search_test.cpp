// SEARCH of one message at a time.
#include "standards/imap/search.h"

#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/imap/parse.h"
#include "standards/imap/text_match.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view plain =
    "From: \"Ann Example\" <ann@alpha.example>\r\nTo: bob (the builder)@beta.example\r\nSubject: Hello beautiful\r\n "
    "world\r\n"
    "Date: Thu, 1 Jan 2026 23:30:00 -0800\r\n\r\nThe quick brown fox\r\njumps over the lazy dog.\r\n";

SearchKey key_of(std::string_view text) {
  Scanner in(text, true);
  auto command = parse_search(in, false, {});
  EXPECT_TRUE(in.ok()) << text << ": " << (in.fault() ? in.fault()->text : "");
  return std::move(command.key);
}

bool found(std::string_view keys, std::string_view octets, SearchFacts facts = {}, const SearchContext& context = {}) {
  const Search search(key_of(keys), context);
  const auto decision = search.decide(facts);
  const bool result = search.matches(facts, octets);
  if (decision == Search::Decision::yes || decision == Search::Decision::no) {
    EXPECT_EQ(result, decision == Search::Decision::yes) << keys;
  }
  return result;
}

TEST(ImapSearch, TextOfAPlainMessage) {
  for (const auto* keys : {"TEXT QUICK", "BODY \"brown fox\"", "TEXT \"beautiful world\"", "SUBJECT \"eautiful worl\"",
                           "FROM \"ann example\"", "FROM alpha.EXAMPLE", "TO bob@beta.example", "HEADER subject \"\"",
                           "TEXT subject", "SENTON 1-Jan-2026", "SENTBEFORE 2-Jan-2026", "NOT BODY beautiful",
                           "OR BODY nothing TEXT lazy", "TEXT \"\"", "BODY .", "NOT HEADER X-None \"\""}) {
    EXPECT_TRUE(found(keys, plain)) << keys;
  }
  for (const auto* keys :
       {"BODY hello", "TEXT foxtrot", "SUBJECT quick", "HEADER X-None \"\"", "CC bob", "SENTSINCE 2-Jan-2026",
        "BODY \"dög\"", "TEXT \"quick  brown\"", "FROM bob", "BODY {21}\r\nThe quick brown foxes"}) {
    EXPECT_FALSE(found(keys, plain)) << keys;
  }
}

TEST(ImapSearch, EncodingsAreUndone) {
  const std::string encoded =
      "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_aus_K=F6ln?=\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "sch=F6ne Gr=FC=\r\n=DFe\r\n"
      "--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
      codec::base64_encode_lines("<p>Straßenbahn и трамвай</p>") +
      "\r\n--b\r\nContent-Type: application/octet-stream; name=\"report.bin\"\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\n" +
      codec::base64_encode_lines("secret payload") + "\r\n--b--\r\n";
  for (const auto* keys : {"SUBJECT \"GRÜSSE AUS KÖLN\"", "BODY \"SCHÖNE GRÜSSE\"", "TEXT STRASSENBAHN",
                           "BODY \"ТРАМВАЙ\"", "BODY report.bin"}) {
    EXPECT_TRUE(found(keys, encoded)) << keys;
  }
  for (const auto* keys : {"BODY \"secret payload\"", "BODY =F6ne", "SUBJECT utf-8", "TEXT \"grusse\"", "BODY --b"}) {
    EXPECT_FALSE(found(keys, encoded)) << keys;
  }
}

// The ways round the structure of a message must not change what is found.
TEST(ImapSearch, ShortcutsKnowTheirLimits) {
  EXPECT_TRUE(found("FROM user-from@domain.org", "From: <user-from (comment)@ (comment) domain.org>\r\n\r\n"));
  EXPECT_TRUE(found("FROM user@domain", "From: user\r\n @domain\r\n\r\n"));
  EXPECT_TRUE(found("FROM jrandom@x", "From: \"jrandom\"@x\r\n\r\n"));
  EXPECT_FALSE(found("FROM nobody", "From: a@b\r\nSubject: nobody\r\n\r\n"));
  const auto with = [](std::string_view field, std::string_view body) {
    return "Subject: s\r\n" + std::string(field) + "\r\n\r\n" + std::string(body);
  };
  EXPECT_TRUE(found("BODY needle", with("Content-Transfer-Encoding: BASE64", codec::base64_encode("a needle here"))));
  EXPECT_TRUE(found("BODY needle", with("Content-Transfer-Encoding:\r\n quoted-printable", "nee=\r\ndle")));
  EXPECT_TRUE(found("BODY needle", with("Content-Type: text/plain;\r\n charset=us-ascii", "a needle")));
  EXPECT_TRUE(found("BODY needle", with("Content-type: text/html; charset=utf-8", "<b>needle</b>")));
  EXPECT_FALSE(found("BODY needle", with("Content-Type: application/pdf", "needle")));
  EXPECT_FALSE(found("BODY needle", with("Content-Type: TEXT/plain; charset=iso-2022-jp", "\x1b$Bneedle\x1b(B")));
  EXPECT_FALSE(
      found("BODY bound", with("Content-Type: multipart/mixed; boundary=bound", "--bound\r\n\r\nx\r\n--bound--")));
}

TEST(ImapSearch, EmbeddedMessagesAreText) {
  const std::string_view forwarded =
      "Subject: fwd\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner words\r\n\r\ninner body\r\n";
  EXPECT_TRUE(found("BODY \"inner words\"", forwarded));
  EXPECT_TRUE(found("BODY \"INNER body\"", forwarded));
  EXPECT_FALSE(found("SUBJECT inner", forwarded));
}

TEST(ImapSearch, Facts) {
  SearchFacts facts;
  const std::vector<std::string> keywords{"$Forwarded"};
  facts.number = 3;
  facts.uid = 30;
  facts.flags = 1 | 32;
  facts.keywords = &keywords;
  facts.size = 1000;
  facts.mod_seq = 77;
  facts.internal_date = *parse_date_time("15-Jun-2026 23:59:59 +0000");
  facts.save_date = *parse_date_time("16-Jun-2026 00:00:01 +0000");
  facts.email_id = "M1";
  SearchContext context;
  context.now = facts.internal_date + std::chrono::seconds(100);
  context.last_number = 3;
  context.last_uid = 30;
  context.saved_uids = *NumberSet::parse("30");
  for (const auto* keys : {"ALL",
                           "SEEN",
                           "UNDELETED",
                           "KEYWORD $forwarded",
                           "RECENT",
                           "NOT OLD",
                           "3",
                           "*",
                           "9:*",
                           "UID 31:*",
                           "$",
                           "UID $",
                           "LARGER 999",
                           "SMALLER 1001",
                           "ON 15-Jun-2026",
                           "BEFORE 16-Jun-2026",
                           "SINCE 15-Jun-2026",
                           "SAVEDON 16-Jun-2026",
                           "SAVEDSINCE 16-Jun-2026",
                           "SAVEDATESUPPORTED",
                           "OLDER 100",
                           "YOUNGER 100",
                           "MODSEQ 77",
                           "EMAILID M1",
                           "OR 1 3",
                           "(SEEN (3 RECENT))",
                           "NOT (UNSEEN)"}) {
    EXPECT_TRUE(found(keys, "", facts, context)) << keys;
  }
  for (const auto* keys : {"NEW", "UNSEEN", "DELETED", "UNKEYWORD $FORWARDED", "OLD", "1:2", "UID 3", "LARGER 1000",
                           "SMALLER 1000", "SINCE 16-Jun-2026", "SAVEDBEFORE 16-Jun-2026", "OLDER 101", "YOUNGER 99",
                           "MODSEQ 78", "EMAILID m1", "THREADID T1", "NOT ALL"}) {
    EXPECT_FALSE(found(keys, "", facts, context)) << keys;
  }
}

TEST(ImapSearch, DecidesWithoutTheMessageWhereItCan) {
  SearchFacts seen;
  seen.flags = 1;
  EXPECT_EQ(Search(key_of("UNSEEN TEXT x"), {}).decide(seen), Search::Decision::no);
  EXPECT_EQ(Search(key_of("OR SEEN TEXT x"), {}).decide(seen), Search::Decision::yes);
  EXPECT_EQ(Search(key_of("SEEN SUBJECT x"), {}).decide(seen), Search::Decision::needs_header);
  EXPECT_EQ(Search(key_of("SUBJECT x BODY y"), {}).decide(seen), Search::Decision::needs_message);
  EXPECT_EQ(Search(key_of("NOT (SEEN BODY y)"), {}).decide(seen), Search::Decision::needs_message);
  SearchContext context;
  context.last_number = 50;
  EXPECT_EQ(Search(key_of("10:* 1:20 TEXT x"), context).number_bound()->text(), "10:20");
  EXPECT_FALSE(Search(key_of("OR 10:* TEXT x"), context).number_bound());
  EXPECT_TRUE(Search(key_of("NOT OLDER 5"), {}).uses_internal_date());
}

// Every place and case of a needle, against the plain definition.
TEST(ImapTextMatch, FindsAtEveryPlace) {
  const Needle needle("NeeDle");
  for (std::size_t length = 0; length < 80; ++length) {
    for (std::size_t at = 0; at + 6 <= length; ++at) {
      std::string text(length, 'e');
      text.replace(at, 6, "nEEdLe");
      EXPECT_TRUE(needle.in_ascii(text)) << length << ' ' << at;
      text[at + 5] = 'x';
      EXPECT_FALSE(needle.in_ascii(text)) << length << ' ' << at;
    }
  }
  EXPECT_TRUE(Needle("a").in_ascii("A"));
  EXPECT_FALSE(Needle("[").in_ascii("{"));
  EXPECT_FALSE(Needle("@").in_ascii("`"));
}

}  // namespace
}  // namespace posthorn::imap
