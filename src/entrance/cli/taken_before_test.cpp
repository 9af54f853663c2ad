#include "entrance/cli/taken_before.h"

#include <gtest/gtest.h>

namespace posthorn::cli {
namespace {

TEST(TakenBefore, FlagsInTheHeaderMakeNoOtherMessage) {
  const std::string plain = message_digest("Subject: a\r\nFrom: b@c.example\r\n\r\nStatus: of the union\r\n");
  EXPECT_EQ(plain.size(), message_digest_length);
  EXPECT_EQ(message_digest("Subject: a\r\nstatus: RO\r\nFrom: b@c.example\r\nX-Keywords: one\r\n two\r\n"
                           "X-UID: 7\r\n\r\nStatus: of the union\r\n"),
            plain);
  EXPECT_NE(message_digest("Subject: a\r\nFrom: b@c.example\r\n\r\nStatus: of the world\r\n"), plain);
  EXPECT_NE(message_digest("Subject: a\r\n folded\r\nFrom: b@c.example\r\n\r\nStatus: of the union\r\n"), plain);
  EXPECT_NE(message_digest(""), plain);
}

TEST(TakenBefore, WhatStandsTwiceIsKnownTwice) {
  const std::string one = message_digest("A: 1\r\n\r\n"), two = message_digest("A: 2\r\n\r\n");
  TakenBefore taken;
  EXPECT_TRUE(taken.empty());
  taken.add(two + one);
  taken.add(one);
  taken.finish();
  EXPECT_TRUE(taken.find(one));
  EXPECT_TRUE(taken.find(one));
  EXPECT_FALSE(taken.find(one));
  EXPECT_TRUE(taken.find(two));
  EXPECT_FALSE(taken.find(two));
  EXPECT_FALSE(taken.find(message_digest("A: 3\r\n\r\n")));
}

}  // namespace
}  // namespace posthorn::cli
