// mbox and Maildir: what we write reads back to the same octets; what others write is understood.
#include "standards/message/mbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "standards/message/maildir_name.h"

namespace posthorn::message {
namespace {

using ::testing::ElementsAre;

std::vector<KeptMessage> read(std::string_view file, std::size_t piece, std::size_t octets_max = 1 * MiB) {
  std::vector<KeptMessage> messages;
  MboxReader reader(octets_max);
  for (std::size_t at = 0; at < file.size(); at += piece) {
    reader.push(file.substr(at, piece));
    while (auto message = reader.next()) messages.push_back(std::move(*message));
  }
  reader.finish();
  while (auto message = reader.next()) messages.push_back(std::move(*message));
  EXPECT_FALSE(reader.is_broken());
  return messages;
}

TEST(Mbox, EveryMessageComesBackToTheSameOctetsHoweverTheFileIsCut) {
  std::vector<KeptMessage> messages;
  for (const char* const text :
       {"Subject: plain\r\n\r\nHello.\r\n", "Subject: quoted\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom \r\n",
        "Subject: no end\r\n\r\nend", "Subject: bare\r\n\r\na\nFrom b\n\nFrom c\r\n", "a\r\r\n\r\n", "\r\n", "",
        "Status: RO\r\nX-Status: \r\nX-Keywords: \r\n\r\nown lines\r\n", "Subject: ends\r\n\r\n\r\n\r\n",
        "From me to you\r\n\r\nno header\r\n"}) {
    KeptMessage message;
    message.octets = text;
    message.date = from_unix_seconds(1'790'000'000 + static_cast<std::int64_t>(messages.size()) * 86'400);
    message.seen = messages.size() % 2 == 0;
    message.flagged = messages.size() % 3 == 0;
    message.deleted = messages.size() % 4 == 0;
    message.answered = messages.size() % 5 == 0;
    message.draft = messages.size() % 7 == 0;
    if (messages.size() > 3) message.keywords = {"$Work", "later"};
    messages.push_back(message);
  }
  std::string file;
  for (const KeptMessage& message : messages) file += format_mbox(message);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{17}, file.size()}) {
    const auto back = read(file, piece);
    ASSERT_EQ(back.size(), messages.size()) << piece;
    for (std::size_t i = 0; i < back.size(); ++i) {
      EXPECT_EQ(back[i].octets, messages[i].octets) << i;
      EXPECT_TRUE(back[i] == messages[i]) << i;
    }
  }
}

TEST(Mbox, FilesOfOthersAreUnderstoodAndLeftAsTheyAre) {
  const auto messages = read(
      "From ann@alpha.example Thu Jan  1 00:00:05 1970\nSubject: a\nStatus: RO\nX-Status: AF\n\n"
      "From the start\n\nFrom bob@beta.example Mon Sep 21 14:13:20 +0200 2026\nSubject: b\n\nx\n",
      5);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].octets, "Subject: a\r\nStatus: RO\r\nX-Status: AF\r\n\r\nFrom the start\r\n");
  EXPECT_TRUE(messages[0].seen && messages[0].answered && messages[0].flagged);
  EXPECT_EQ(messages[0].date, from_unix_seconds(5));
  EXPECT_EQ(messages[1].octets, "Subject: b\r\n\r\nx\r\n");
  EXPECT_TRUE(messages[1].date.has_value());
}

TEST(Mbox, WhatIsTooLongIsPassedOverInFlatMemory) {
  std::string file = "From a Thu Jan  1 00:00:00 1970\nA: 1\n\n" + std::string(5'000, 'x') + "\n" +
                     std::string(5'000, 'y') + "\n\nFrom b Thu Jan  1 00:00:00 1970\nB: 2\n\nshort\n";
  MboxReader reader(1'000);
  reader.push(file);
  reader.finish();
  const auto message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->octets, "B: 2\r\n\r\nshort\r\n");
  EXPECT_EQ(reader.passed_over(), 1u);
  EXPECT_FALSE(reader.next());
}

TEST(Mbox, AFileThatBeginsOtherwiseIsNone) {
  MboxReader broken(1'000);
  broken.push("Subject: no mbox\n\n");
  EXPECT_FALSE(broken.next());
  EXPECT_TRUE(broken.is_broken());
}

TEST(Maildir, NamesBothWays) {
  const auto name = parse_maildir_name("1790000000.M1P2.host,S=120,W=125:2,DFRSTab");
  EXPECT_EQ(name.unique, "1790000000.M1P2.host");
  EXPECT_EQ(name.size, 120u);
  EXPECT_EQ(name.crlf_size, 125u);
  EXPECT_TRUE(name.seen && name.answered && name.flagged && name.deleted && name.draft);
  EXPECT_THAT(name.keywords, ElementsAre(0u, 1u));
  EXPECT_EQ(format_maildir_name(name), "1790000000.M1P2.host,S=120,W=125:2,DFRSTab");
  EXPECT_FALSE(parse_maildir_name("1790000000.M1P2.host").seen);
  EXPECT_THAT(maildir_levels(".Work.2026"), ElementsAre("Work", "2026"));
  EXPECT_EQ(maildir_folder({"Work", "2026"}), ".Work.2026");
  EXPECT_TRUE(maildir_levels("").empty());
}

}  // namespace
}  // namespace posthorn::message
