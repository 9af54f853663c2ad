// Headers for readers without UTF-8 (RFC 6857), by the kinds of fields.
#include "standards/message/downgrade.h"

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

TEST(Downgrade, OnlyInternationalizedHeadersNeedIt) {
  EXPECT_FALSE(needs_downgrade("Subject: plain\r\nFrom: a@b.example\r\n\r\n"));
  EXPECT_TRUE(needs_downgrade("Subject: gr\xC3\xBC\xC3\x9F\r\n\r\n"));
  EXPECT_FALSE(needs_downgrade("Subject: gr\xFC\xDF of old\r\n\r\n")) << "no UTF-8: it was never internationalized";
  EXPECT_FALSE(needs_downgrade("Subject: x\r\nno field \xC3\xBC\r\n\r\n"));
}

TEST(Downgrade, TheSectionEndsWithItsEmptyLine) {
  EXPECT_EQ(header_section_octets("A: 1\r\n\r\nbody"), 8u);
  EXPECT_EQ(header_section_octets("\r\nbody"), 2u);
  EXPECT_EQ(header_section_octets("A: 1\r\n"), 0u);
}

TEST(Downgrade, EachKindOfField) {
  const std::string header =
      "Received: by x.example for <\xC3\xBC@x.example>\r\n"
      "Subject: gr\xC3\xBC\xC3\x9F dich\r\n"
      "From: J\xC3\xBCrgen <j@x.example>\r\n"
      "To: \xE7\x94\xB2 <\xE7\x94\xB2@x.example>, plain@x.example\r\n"
      "X-Plain:   kept  as it is\r\n"
      "Content-Type: text/plain; name=\"\xC3\xBC.txt\"\r\n\r\n";
  const std::string out = downgraded_header(header);
  EXPECT_TRUE(text::is_ascii(out));
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  EXPECT_NE(out.find("X-Plain:   kept  as it is\r\n"), std::string::npos);
  EXPECT_NE(out.find("Downgraded-Received: "), std::string::npos);
  EXPECT_NE(out.find("<j@x.example>"), std::string::npos);
  EXPECT_NE(out.find(" :;"), std::string::npos) << "an address that cannot be written is an empty group";
  EXPECT_NE(out.find("plain@x.example"), std::string::npos);
  EXPECT_NE(out.find("text/plain; name=\"=?"), std::string::npos);
  const std::string decoded = decode_encoded_words(out);
  EXPECT_NE(decoded.find("Subject: gr\xC3\xBC\xC3\x9F dich"), std::string::npos) << decoded;
  EXPECT_NE(decoded.find("J\xC3\xBCrgen"), std::string::npos);
  EXPECT_NE(decoded.find("\xE7\x94\xB2@x.example"), std::string::npos);
}

TEST(Downgrade, LinesStayShort) {
  std::string subject = "Subject:";
  for (int i = 0; i < 200; ++i) subject += " gr\xC3\xBC\xC3\x9F";
  const std::string out = downgraded_header(subject + "\r\n\r\n");
  for (std::string_view rest = out; !rest.empty();) {
    const auto line = text::take_until(rest, '\n');
    EXPECT_LE(line.size(), 78u);
  }
}

}  // namespace
}  // namespace posthorn::message
