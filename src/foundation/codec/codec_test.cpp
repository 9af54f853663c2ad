#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "foundation/codec/hex.h"
#include "foundation/codec/percent.h"
#include "foundation/codec/quoted_printable.h"
#include "foundation/codec/xtext.h"

namespace posthorn::codec {
namespace {

TEST(Base64, FollowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : vectors) {
    EXPECT_EQ(base64_encode(octets), text);
    EXPECT_EQ(base64_decode(text), octets);
    EXPECT_EQ(base64_decode_lenient(text), octets);
  }
}

TEST(Base64, StrictRefusesWhatLenientTakes) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9v\r\n", "Zm 9v", "====", "Z===", "Zg==Zg==", "Zm9-", "=Zg="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_EQ(base64_decode_lenient("Zm9v\r\n Ym Fy!"), "foobar");
  EXPECT_EQ(base64_decode_lenient("Zg"), "f");
}

TEST(Base64, BreaksLines) {
  EXPECT_EQ(base64_encode_lines(std::string(58, 'a')), base64_encode(std::string(57, 'a')) + "\r\nYQ==\r\n");
}

TEST(Hex, RoundTrips) {
  EXPECT_EQ(hex_encode(std::string("\x00\xffZ", 3)), "00ff5a");
  EXPECT_EQ(hex_decode("00fF5A"), std::string("\x00\xffZ", 3));
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(Xtext, FollowsRfc3461) {
  EXPECT_EQ(xtext_encode("a+b=c d~"), "a+2Bb+3Dc+20d~");
  EXPECT_EQ(xtext_decode("a+2Bb+3Dc+20d~"), "a+b=c d~");
  EXPECT_EQ(xtext_decode(""), "");
  for (const char* bad : {"a b", "a=b", "+2", "+", "+GG", "a+2"}) EXPECT_FALSE(xtext_decode(bad)) << bad;
}

TEST(QuotedPrintable, EncodesAndDecodes) {
  EXPECT_EQ(quoted_printable_encode("a=b \r\nc\t\r\n\xc3\xa4 x\n"), "a=3Db=20\r\nc=09\r\n=C3=A4 x=0A");
  const std::string line(200, 'x');
  const std::string encoded = quoted_printable_encode(line + "\r\n");
  EXPECT_EQ(encoded, std::string(75, 'x') + "=\r\n" + std::string(75, 'x') + "=\r\n" + std::string(50, 'x') + "\r\n");
  EXPECT_EQ(quoted_printable_decode(encoded), line + "\r\n");
}

TEST(QuotedPrintable, ReadsTheExampleOfRfc2045AndBrokenText) {
  EXPECT_EQ(quoted_printable_decode("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."),
            "Now's the time for all folk to come to the aid of their country.");
  EXPECT_EQ(quoted_printable_decode("a=3db=ZZ=4  \r\nc=\r\n"), "a=b=ZZ=4\r\nc");
}

// RFC 3986 2.1: "%20" is the space; the digits' case does not matter.
TEST(Percent, DecodesWhatIsEncodedAndNothingElse) {
  EXPECT_EQ(percent_decode("a%20b%2fC%2F"), "a b/C/");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decode(""), "");
  for (const char* broken : {"%", "%2", "a%", "%g0", "%2x", "%%20"})
    EXPECT_EQ(percent_decode(broken), std::nullopt) << broken;
}

}  // namespace
}  // namespace posthorn::codec
