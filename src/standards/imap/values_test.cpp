// Numbers, flags, dates, mailbox names, literal marks.
#include <gtest/gtest.h>

#include "standards/imap/date.h"
#include "standards/imap/flags.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/numbers.h"
#include "standards/imap/scanner.h"

namespace posthorn::imap {
namespace {

// ---- sets ------------------------------------------------------------------------------------------------------

TEST(ImapNumbers, SetsAreSortedAndJoined) {
  const auto set = NumberSet::parse("5,1:3,4,9:7,2");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->text(), "1:5,7:9");
  EXPECT_EQ(set->size(), 8u);
  EXPECT_TRUE(set->contains(3));
  EXPECT_FALSE(set->contains(6));
  EXPECT_EQ(set->at(5), 7u);
  EXPECT_EQ(set->intersection(*NumberSet::parse("3:8")).text(), "3:5,7:8");
}

TEST(ImapNumbers, TheLargestNumberDoesNotWrap) {
  const auto set = NumberSet::parse("4294967295,4294967294");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->text(), "4294967294:4294967295");
  EXPECT_EQ(set->size(), 2u);
  NumberSet grown;
  grown.add(4294967295U);
  grown.add(4294967295U);
  EXPECT_EQ(grown.size(), 1u);
}

TEST(ImapNumbers, WhatIsNoSet) {
  for (const auto* text : {"", "0", "1,", ",1", "1:", ":1", "a", "1::2", "01", "4294967296", "1 2", "$1", "*1"}) {
    EXPECT_FALSE(SequenceSet::parse(text)) << text;
  }
  EXPECT_FALSE(NumberSet::parse("1:*"));
  EXPECT_FALSE(NumberSet::parse("$"));
}

// RFC 9051 9, seq-range: "3291:*" holds the last message even where 3291 is above it.
TEST(ImapNumbers, AsteriskIsTheLargestInUse) {
  EXPECT_EQ(SequenceSet::parse("3291:*")->resolve(10).text(), "10:3291");
  EXPECT_EQ(SequenceSet::parse("*:4,7")->resolve(5).text(), "4:5,7");
  EXPECT_EQ(SequenceSet::parse("*")->resolve(0).text(), "");
  EXPECT_TRUE(SequenceSet::parse("$")->is_saved());
}

TEST(ImapNumbers, AMillionElements) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += std::to_string(2 * i + 1) + ',';
  text.pop_back();
  const auto set = NumberSet::parse(text);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 1'000'000u);
  EXPECT_TRUE(set->contains(1'999'999));
  EXPECT_FALSE(set->contains(1'999'998));
  EXPECT_FALSE(NumberSet::parse(text + ",3000000"));
}

// RFC 4315 3: "COPYUID … 304,319:320 3956:3958" keeps the order of both sides.
TEST(ImapNumbers, OrderedSetsKeepTheirOrder) {
  std::string output;
  append_ordered_set(output, std::vector<std::uint32_t>{304, 319, 320, 7});
  EXPECT_EQ(output, "304,319:320,7");
}

// RFC 9394 3.1.
TEST(ImapNumbers, PartialRanges) {
  const NumberSet numbers = *NumberSet::parse("10:19,30:34");
  EXPECT_EQ(PartialRange::parse("1:3")->of(numbers).text(), "10:12");
  EXPECT_EQ(PartialRange::parse("12:10")->of(numbers).text(), "19,30:31");
  EXPECT_EQ(PartialRange::parse("-1:-6")->of(numbers).text(), "19,30:34");
  EXPECT_EQ(PartialRange::parse("-6:-6")->of(numbers).text(), "19");
  EXPECT_EQ(PartialRange::parse("16:20")->of(numbers).text(), "");
  EXPECT_EQ(PartialRange::parse("15:900")->of(numbers).text(), "34");
  EXPECT_EQ(PartialRange::parse("-100:-1")->text(), "-1:-100");
  for (const auto* bad : {"1", "1:*", "*:1", "0:1", "1:-1", "-1:1", "", "1:"}) {
    EXPECT_FALSE(PartialRange::parse(bad)) << bad;
  }
}

// ---- flags -----------------------------------------------------------------------------------------------------

TEST(ImapFlags, KeywordsAreComparedWithoutCase) {
  Flags flags;
  EXPECT_TRUE(flags.add_keyword("$mdnsent"));
  EXPECT_FALSE(flags.add_keyword("$MDNSENT"));
  EXPECT_EQ(flags.keywords.front(), "$MDNSent");  // RFC 5788's registry
  EXPECT_TRUE(flags.has_keyword("$MdnSent"));
  std::string text;
  append_flags(text, 1 | 8, flags.keywords);
  EXPECT_EQ(text, "\\Deleted \\Seen $MDNSent");
}

TEST(ImapFlags, RecentCannotBeSet) {
  EXPECT_FALSE(parse_system_flag("\\Recent"));
  EXPECT_EQ(parse_system_flag("\\sEEN"), SystemFlag::seen);
  EXPECT_FALSE(is_keyword("a]b"));
  EXPECT_FALSE(is_keyword(std::string(keyword_octets_max + 1, 'k')));
}

// ---- dates -----------------------------------------------------------------------------------------------------

TEST(ImapDate, DateTime) {
  const auto at = parse_date_time("17-Jul-1996 02:44:25 -0700");
  ASSERT_TRUE(at);
  EXPECT_EQ(rfc3339(*at), "1996-07-17T09:44:25Z");
  EXPECT_EQ(format_date_time(*at), "17-Jul-1996 09:44:25 +0000");
  EXPECT_EQ(rfc3339(*parse_date_time(" 7-feb-1994 22:43:60 +0030")), "1994-02-07T22:13:59Z");
  for (const auto* bad : {"30-Feb-2026 00:00:00 +0000", "1-Jan-2026 24:00:00 +0000", "1-Jan-2026 00:00:00",
                          "1-Jan-26 00:00:00 +0000", "01-Jan-2026  00:00:00 +0000", ""}) {
    EXPECT_FALSE(parse_date_time(bad)) << bad;
  }
}

TEST(ImapDate, DaysAreNotShifted) {
  EXPECT_EQ(parse_date("1-Feb-1994"), parse_date("\"01-feb-1994\""));
  EXPECT_FALSE(parse_date("31-Apr-2026"));
  EXPECT_FALSE(parse_date("1-Feb-1994x"));
  // The author's day, whatever it is in UTC (RFC 9051 6.4.4 SENTON).
  EXPECT_EQ(sent_day_of("Thu, 1 Jan 2026 23:30:00 -0800"), parse_date("1-Jan-2026"));
}

// ---- mailbox names ---------------------------------------------------------------------------------------------

// RFC 3501 5.1.3 and what goes wrong with it.
TEST(ImapMailboxName, ModifiedUtf7) {
  const std::pair<std::string, std::string> names[] = {
      {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
      {"Tom & Jerry", "Tom &- Jerry"},
      {"Entwürfe", "Entw&APw-rfe"},
      {"😀", "&2D3eAA-"},
      {"é&é", "&AOk-&-&AOk-"},
  };
  for (const auto& [utf8, wire] : names) {
    EXPECT_EQ(encode_modified_utf7(utf8), wire);
    EXPECT_EQ(decode_modified_utf7(wire), utf8);
  }
  for (const auto* bad : {"&AOk", "&", "&2D0-", "&3gA-", "&AGE-", "&AOk-&AOk-", "&AO-", "&AOl-", "\xc3\xa9", "&A/-"}) {
    EXPECT_FALSE(decode_modified_utf7(bad)) << bad;
  }
}

TEST(ImapMailboxName, InboxHasNoCase) {
  EXPECT_EQ(read_mailbox_name("inBox", false), "INBOX");
  EXPECT_EQ(read_mailbox_name("inbox/Sub", true), "INBOX/Sub");
  EXPECT_EQ(read_mailbox_name("inboxes", false), "inboxes");
  EXPECT_FALSE(read_mailbox_name("\xff", true));
}

TEST(ImapMailboxName, Creatable) {
  EXPECT_TRUE(is_creatable("Archive/2026/Ä & Ö"));
  for (const auto* bad : {"", "/a", "a//b", "a/", "a\tb", "a%", "b*", "a\xe2\x80\xa8z", "\xff"}) {
    EXPECT_FALSE(is_creatable(bad)) << bad;
  }
  std::string deep = "a";
  for (std::size_t i = 0; i < mailbox_levels_max; ++i) deep += "/a";
  EXPECT_FALSE(is_creatable(deep));
}

// ---- literals --------------------------------------------------------------------------------------------------

TEST(ImapLiteral, Marks) {
  const auto plain = literal_mark("a LOGIN {5}");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size_octets, 5u);
  EXPECT_TRUE(plain->is_synchronizing);
  const auto binary = literal_mark("x ~{10+}");
  ASSERT_TRUE(binary);
  EXPECT_TRUE(binary->is_binary);
  EXPECT_FALSE(binary->is_synchronizing);
  EXPECT_EQ(binary->length, 6u);
  EXPECT_EQ(literal_mark("{99999999999999999999999}")->size_octets, mod_sequence_max);
  for (const auto* none : {"", "{}", "{+}", "{5", "5}", "{5-}", "{5+}x", "{a}", "}"}) {
    EXPECT_FALSE(literal_mark(none)) << none;
  }
}

}  // namespace
}  // namespace posthorn::imap
