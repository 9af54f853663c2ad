// URLs of messages: RFC 5092's examples, those of RFC 4469, and what is none.
#include "standards/imap/url.h"

#include <gtest/gtest.h>

namespace posthorn::imap {
namespace {

TEST(ImapUrl, AsRfc4469WritesThem) {
  const auto url = parse_message_url("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER");
  ASSERT_TRUE(url);
  EXPECT_FALSE(url->server);
  EXPECT_EQ(url->mailbox, "Drafts");
  EXPECT_FALSE(url->is_beside_selected);
  EXPECT_EQ(url->uid_validity, 385759045);
  EXPECT_EQ(url->uid, 20);
  EXPECT_EQ(url->section.wire(), "HEADER");
  EXPECT_FALSE(url->partial);
  EXPECT_EQ(parse_message_url("/Drafts;UIDVALIDITY=385759045/;UID=20/;Section=2.MIME")->section.wire(), "2.MIME");
  EXPECT_EQ(parse_message_url("/Drafts;UIDVALIDITY=385759045/;UID=30")->section.wire(), "");
}

TEST(ImapUrl, RelativeToTheSelectedMailbox) {
  const auto here = parse_message_url(";UID=20/;SECTION=1.2");
  ASSERT_TRUE(here);
  EXPECT_EQ(here->mailbox, "");
  EXPECT_EQ(here->section.wire(), "1.2");
  const auto beside = parse_message_url("other;UIDVALIDITY=3/;UID=5");
  ASSERT_TRUE(beside);
  EXPECT_TRUE(beside->is_beside_selected);
  EXPECT_EQ(beside->mailbox, "other");
  EXPECT_EQ(mailbox_beside("Lists/a", "other"), "Lists/other");
  EXPECT_EQ(mailbox_beside("INBOX", "other"), "other");
}

// RFC 5092 9
TEST(ImapUrl, AsRfc5092WritesThem) {
  const auto first =
      parse_message_url("imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024");
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->server);
  EXPECT_EQ(first->server->host, "minbari.example.org");
  EXPECT_EQ(first->server->user, "");
  EXPECT_EQ(first->server->port, 143);
  EXPECT_EQ(first->partial, (Partial{0, 1024}));
  const auto second =
      parse_message_url("imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97/;UID=7");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->mailbox, "~peter/日本語/台北");
  const auto third = parse_message_url("imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2");
  ASSERT_TRUE(third);
  EXPECT_EQ(third->section.wire(), "1.2");
  const auto fourth = parse_message_url("imap://michael%40x;AUTH=*@minbari.example.org:993/gray%20council/;uid=20");
  ASSERT_TRUE(fourth);
  EXPECT_EQ(fourth->server->user, "michael@x");
  EXPECT_EQ(fourth->server->port, 993);
  EXPECT_EQ(fourth->mailbox, "gray council");
  EXPECT_EQ(parse_message_url("//ann@[::1]/x/;UID=1")->server->host, "[::1]");
}

TEST(ImapUrl, SectionsAndPartials) {
  EXPECT_EQ(parse_message_url("/inbox/;UID=1/;SECTION=1.HEADER.FIELDS%20(To%20From)")->section.wire(),
            "1.HEADER.FIELDS (To From)");
  EXPECT_EQ(parse_message_url("/inbox/;UID=1")->mailbox, "INBOX");
  const auto to_the_end = parse_message_url("/x/;UID=1/;SECTION=TEXT/;PARTIAL=7");
  ASSERT_TRUE(to_the_end);
  EXPECT_EQ(to_the_end->section.wire(), "TEXT");
  EXPECT_EQ(to_the_end->partial->offset, 7);
  EXPECT_EQ(to_the_end->partial->length, ~std::uint64_t{0});
  EXPECT_EQ(parse_message_url("/x/;UID=1/;PARTIAL=100000.1")->partial, (Partial{100000, 1}));
}

TEST(ImapUrl, WhatNamesNoMessage) {
  for (const char* text : {"",
                           "/",
                           "INBOX",
                           "/INBOX",
                           "/INBOX/",
                           "/;UID=1",
                           "/INBOX;UID=1",
                           "/INBOX/;UID=0",
                           "/INBOX/;UID=",
                           "/INBOX/;UID=x",
                           "/INBOX/;UID=4294967296",
                           "/INBOX;UIDVALIDITY=0/;UID=1",
                           "/INBOX;UIDVALIDITY=1;UID=1",
                           "/INBOX/;UID=1/",
                           "/INBOX/;UID=1/;SECTION=",
                           "/INBOX/;UID=1/;SECTION=MIME",
                           "/INBOX/;UID=1/;SECTION=1]",
                           "/INBOX/;UID=1/;SECTION=1%5D",
                           "/INBOX/;UID=1/;SECTION=1;PARTIAL=1",
                           "/INBOX/;UID=1/;PARTIAL=1.0",
                           "/INBOX/;UID=1/;PARTIAL=.5",
                           "/INBOX/;UID=1/;PARTIAL=1.2x",
                           "/INBOX/;UID=1;URLAUTH=anonymous",
                           "/INBOX/;UID=1;EXPIRE=2006-12-02T00:00:00Z",
                           "/INBOX?SUBJECT%20x",
                           "/INBOX/;UID=1?x",
                           "/INBOX/;UID=1#x",
                           "/%zz/;UID=1",
                           "/%ff/;UID=1",
                           "/%/;UID=1",
                           "/a/../b/;UID=1",
                           "./a/;UID=1",
                           "http://h/INBOX/;UID=1",
                           "imap://h",
                           "imap:///INBOX/;UID=1",
                           "imap://u@/INBOX/;UID=1",
                           "imap://u@h:0/INBOX/;UID=1",
                           "imap://u@h:x/INBOX/;UID=1",
                           "/in box/;UID=1",
                           ";SECTION=1",
                           ";PARTIAL=1"})
    EXPECT_FALSE(parse_message_url(text)) << text;
  EXPECT_FALSE(parse_message_url("/" + std::string(url_octets_max, 'a') + "/;UID=1"));
}

TEST(ImapUrl, TheAnswerNamesItWhateverItHolds) {
  EXPECT_EQ(url_response_text("/INBOX/;UID=1"), "/INBOX/;UID=1");
  EXPECT_EQ(url_response_text("a ]\r\n\xC3\xA9"), "a%20%5D%0D%0A%C3%A9");
  EXPECT_EQ(url_response_text(""), "%00");
}

}  // namespace
}  // namespace posthorn::imap
