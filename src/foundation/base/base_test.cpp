#include <gtest/gtest.h>

#include "foundation/base/id.h"
#include "foundation/base/number.h"
#include "foundation/base/require.h"
#include "foundation/base/result.h"
#include "foundation/base/time.h"

namespace posthorn {
namespace {

TEST(Id, RoundTripsAndForgivesHandwriting) {
  const MailId id{0x0123456789abcdefULL};
  EXPECT_EQ(MailId::parse(id.text()), id);
  EXPECT_EQ(parse_id("000000000000O"), 0u);
  EXPECT_EQ(parse_id("000000000000L"), 1u);
  EXPECT_EQ(parse_id("fzzzzzzzzzzzz"), ~std::uint64_t{0});
}

TEST(Id, RefusesWhatIsNoId) {
  EXPECT_EQ(parse_id(""), std::nullopt);
  EXPECT_EQ(parse_id("000000000000"), std::nullopt);
  EXPECT_EQ(parse_id("000000000000u"), std::nullopt);
  EXPECT_EQ(parse_id("g000000000000"), std::nullopt) << "65 bits do not fit";
}

TEST(Time, Rfc5322AppendixA1Date) {
  // RFC 5322 A.1.1: Fri, 21 Nov 1997 09:55:06 -0600, in UTC.
  EXPECT_EQ(rfc5322_date(from_unix_seconds(880127706)), "Fri, 21 Nov 1997 15:55:06 +0000");
}

TEST(Time, Rfc3339) {
  // RFC 3339 5.8: 1985-04-12T23:20:50.52Z.
  EXPECT_EQ(rfc3339(from_unix_seconds(482196050)), "1985-04-12T23:20:50Z");
  EXPECT_EQ(rfc3339(from_unix_micros(482196050520000), true), "1985-04-12T23:20:50.520Z");
}

TEST(Number, IsAppendedWithZerosUpToItsWidth) {
  std::string text = "n=";
  append_number(text, std::numeric_limits<std::uint64_t>::max());
  append_number(text, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(text, "n=18446744073709551615-9223372036854775808");
  text.clear();
  append_number(text, 7, 2);
  append_number(text, 123, 2);
  append_number(text, 0);
  EXPECT_EQ(text, "071230");
}

TEST(Number, IsReadWholeOrNotAtAll) {
  EXPECT_EQ(read_number<std::uint32_t>("4294967295"), 4294967295u);
  EXPECT_EQ(read_number<std::uint32_t>("007"), 7u);
  for (const char* none : {"", "4294967296", "-1", "+1", " 1", "1 ", "1x", "0x1"})
    EXPECT_FALSE(read_number<std::uint32_t>(none)) << none;
}

TEST(Problem, TextLeavesOutEmptyParts) {
  EXPECT_EQ((Problem{ProblemKind::no, "no such message", "", ""}.text()), "no such message");
  EXPECT_EQ((Problem{ProblemKind::no, "what", "why", "remedy"}.text()), "what: why; remedy");
}

TEST(RequireDeathTest, EndsTheProcessAndSaysWhy) {
  require(true, "somebody", "nothing");
  EXPECT_DEATH(require(false, "a machine", "fed out of turn"), "posthorn: a machine: fed out of turn");
}

}  // namespace
}  // namespace posthorn
