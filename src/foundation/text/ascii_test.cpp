#include "foundation/text/ascii.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

TEST(Ascii, FoldsLettersOnly) {
  EXPECT_EQ(lower("AZ[\xc3\x84"), "az[\xc3\x84");
  EXPECT_EQ(upper("az{"), "AZ{");
  EXPECT_TRUE(iequals("Mail From", "mAIL fROM"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_TRUE(istarts_with("FROM:<>", "from:"));
  EXPECT_FALSE(istarts_with("FRO", "from"));
}

TEST(Ascii, TellsUtf8FromOctets) {
  for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  }
  // RFC 3629 10: overlong forms, surrogates, beyond U+10FFFF, cut ones.
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3(", "a\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
  }
}

TEST(Ascii, CutsText) {
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim_lines("\r\n a\r\n"), "a");
  EXPECT_EQ(trim("\r"), "\r");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(words("  a\t b "), (std::vector<std::string_view>{"a", "b"}));
  std::string_view rest = "k=v=w";
  EXPECT_EQ(take_until(rest, '='), "k");
  EXPECT_EQ(rest, "v=w");
  EXPECT_EQ(take_until(rest, ';'), "v=w");
  EXPECT_EQ(rest, "");
}

TEST(Ascii, ReadsNumbersWholeOrNotAtAll) {
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615ULL);
  for (const char* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1x", "0x1"}) EXPECT_FALSE(parse_number(bad));
}

TEST(Ascii, PrintsWhatIsNotText) {
  EXPECT_EQ(printable("a\r\n\xff"), "a\\x0d\\x0a\\xff");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace posthorn::text
