#include "foundation/text/shown.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

TEST(Shown, KeepsWhatCanBeSeen) {
  EXPECT_EQ(shown("mailto:… § ü 日本 😀"), "mailto:… § ü 日本 😀");
  EXPECT_EQ(shown("plain ~ text"), "plain ~ text");
}

TEST(Shown, EscapesWhatCannot) {
  EXPECT_EQ(shown("a\tb\r\n\x1b[31m"), "a\\x09b\\x0d\\x0a\\x1b[31m");
  EXPECT_EQ(shown("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "writing from right to left";
  EXPECT_EQ(shown("\xc2\x9b"), "\\xc2\\x9b") << "the CSI of eight-bit terminals";
  EXPECT_EQ(shown("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(shown(std::string("\0", 1)), "\\x00");
}

TEST(Shown, CutsBetweenCharacters) {
  EXPECT_EQ(shown("ab…cd", 4), "ab…");
  EXPECT_EQ(shown("ab…cd", 5), "ab……");
  EXPECT_EQ(shown("abc", 3), "abc");
}

}  // namespace
}  // namespace posthorn::text
