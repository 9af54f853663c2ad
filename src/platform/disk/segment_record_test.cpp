#include "platform/disk/segment_record.h"

#include <gtest/gtest.h>

#include "platform/disk/crc32c.h"

namespace posthorn::disk {
namespace {

TEST(SegmentRecord, IsOneLineThatAPersonReads) {
  const RecordHeader header{*MailId::parse("1hmc3jz8g0005"), 12345, 0x9a3f00c2, "<ann@alpha.example>"};
  const std::string line = format_record_header(header);
  EXPECT_TRUE(line.starts_with("posthorn 1hmc3jz8g0005 12345 9a3f00c2 20")) << line;
  EXPECT_TRUE(line.ends_with("Z <ann@alpha.example>\n")) << line;
  const auto parsed = parse_record_header(line + "the message");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->octets, line.size());
  EXPECT_EQ(parsed->header.id, header.id);
  EXPECT_EQ(parsed->header.length, 12345u);
  EXPECT_EQ(parsed->header.crc, 0x9a3f00c2u);
  EXPECT_EQ(parsed->header.envelope, "<ann@alpha.example>");
}

TEST(SegmentRecord, AnEnvelopeCannotForgeARecord) {
  const RecordHeader header{MailId{1}, 1, 1, "a\nposthorn b\x80" + std::string(2000, 'x')};
  const std::string line = format_record_header(header);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LE(line.size(), record_header_octets_max);
  EXPECT_TRUE(parse_record_header(line));
}

TEST(SegmentRecord, WhatIsNotOneIsRefused) {
  const std::string good = format_record_header({MailId{1}, 1, 1, ""});
  for (std::size_t cut = 0; cut < good.size(); ++cut) EXPECT_FALSE(parse_record_header(good.substr(0, cut))) << cut;
  EXPECT_FALSE(parse_record_header("posthorn x 1 00000001 t\n"));
  EXPECT_FALSE(parse_record_header("posthorn 0000000000001 -1 00000001 t\n"));
  EXPECT_FALSE(parse_record_header("posthorn 0000000000001 1 1 t\n")) << "8 hexadecimal digits";
  EXPECT_FALSE(parse_record_header("Posthorn 0000000000001 1 00000001 t\n"));
}

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  // RFC 3720 B.4.
  EXPECT_EQ(crc32c(OctetString(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(OctetString(32, '\xff')), 0x62a8ab43u);
  OctetString ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(Octets(ascending).substr(5), crc32c(Octets(ascending).substr(0, 5))), 0x46dd794eu);
}

}  // namespace
}  // namespace posthorn::disk
