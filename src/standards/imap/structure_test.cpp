// ENVELOPE, BODYSTRUCTURE, sections.
#include "standards/imap/structure.h"

#include <gtest/gtest.h>

#include "standards/imap/section.h"
#include "standards/message/header.h"

namespace posthorn::imap {
namespace {

std::string envelope(std::string_view header) {
  return write_envelope(message::Header::parse(header));
}

TEST(ImapEnvelope, AllFields) {
  EXPECT_EQ(
      envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
               "From: Terry Gray <gray@cac.washington.edu>\r\n"
               "Subject: IMAP4rev2 WG mtg\r\n summary\r\n"
               "To: imap@cac.washington.edu\r\n"
               "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
               "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"),
      "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary\" "
      "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
      "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
      "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
      "\"<B27397-0100000@cac.washington.edu>\")");
}

TEST(ImapEnvelope, AddressesOfTheWorld) {
  const auto of = [](std::string_view to) {
    const auto text = envelope("To: " + std::string(to) + "\r\n\r\n");
    const std::string before = "(NIL NIL NIL NIL NIL ";
    return text.substr(before.size(), text.size() - before.size() - std::string_view(" NIL NIL NIL NIL)").size());
  };
  EXPECT_EQ(of("user@domain (Real Name)"), "((\"Real Name\" NIL \"user\" \"domain\"))");
  EXPECT_EQ(of("<@route:user@domain>"), "((NIL \"@route\" \"user\" \"domain\"))");
  EXPECT_EQ(of("group: g1@d1.org, g2@d2.org;, x@y"),
            "((NIL NIL \"group\" NIL)(NIL NIL \"g1\" \"d1.org\")(NIL NIL \"g2\" \"d2.org\")(NIL NIL NIL NIL)"
            "(NIL NIL \"x\" \"y\"))");
  EXPECT_EQ(of("undisclosed:;"), "((NIL NIL \"undisclosed\" NIL)(NIL NIL NIL NIL))");
  EXPECT_EQ(of("\"a \\\"b\\\" @ c\" <\"x y\"@z>"), "((\"a \\\"b\\\" @ c\" NIL \"x y\" \"z\"))");
  EXPECT_EQ(of("root"), "((NIL NIL \"root\" \"\"))");
  EXPECT_EQ(of("user (c)@ (d) domain.org"), "((\"d\" NIL \"user\" \"domain.org\"))");
  EXPECT_EQ(of("J. Random <j@x>, , =?utf-8?q?=C3=A9?= <e@x>"),
            "((\"J. Random\" NIL \"j\" \"x\")(\"=?utf-8?q?=C3=A9?=\" NIL \"e\" \"x\"))");
  EXPECT_EQ(of(""), "NIL");
  EXPECT_EQ(of("<>"), "((NIL NIL \"\" \"\"))");
}

TEST(ImapEnvelope, RawOctetsAndDowngrade) {
  const auto fact = envelope("Subject: gr\xfc\xdf\r\nFrom: \"Ä\" <ä@x>\r\n\r\n");
  EXPECT_NE(fact.find("\"grüß\""), std::string::npos) << fact;
  const auto ascii = downgraded(fact);
  EXPECT_NE(ascii.find("=?utf-8?"), std::string::npos) << ascii;
  for (const char c : ascii) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  EXPECT_EQ(downgraded("(\"a \\\"\" NIL)"), "(\"a \\\"\" NIL)");
}

// ---- BODYSTRUCTURE ---------------------------------------------------------------------------------------------

constexpr std::string_view mixed =
    "From: a@b\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\n\r\n"
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "Content-Language: de, en\r\n\r\nh=C3=A4\r\n\r\n"
    "--x\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"a \\\"b\\\".eml\"\r\n\r\n"
    "Subject: inner\r\nFrom: c@d\r\n\r\ninside\r\n"
    "--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i@d>\r\n\r\nAAEC\r\n"
    "--x--\r\n";

TEST(ImapBodyStructure, OfEveryKind) {
  const auto fact = write_body_structure(message::parse_mime(mixed));
  EXPECT_EQ(
      fact,
      "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 9 1 NIL NIL (\"de\" \"en\") NIL)"
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 35 (NIL \"inner\" ((NIL NIL \"c\" \"d\")) ((NIL NIL \"c\" \"d\")) "
      "((NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL) (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 6 "
      "0 "
      "NIL NIL NIL NIL) 3 NIL (\"ATTACHMENT\" (\"FILENAME\" \"a \\\"b\\\".eml\")) NIL NIL)"
      "(\"APPLICATION\" \"PDF\" NIL \"<i@d>\" NIL \"BASE64\" 4 NIL NIL NIL NIL) \"MIXED\" (\"BOUNDARY\" \"x\") NIL NIL "
      "NIL)");
  EXPECT_EQ(
      without_extension_data(fact),
      "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 9 1)"
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 35 (NIL \"inner\" ((NIL NIL \"c\" \"d\")) ((NIL NIL \"c\" \"d\")) "
      "((NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL) (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 6 "
      "0) 3)"
      "(\"APPLICATION\" \"PDF\" NIL \"<i@d>\" NIL \"BASE64\" 4) \"MIXED\")");
}

TEST(ImapBodyStructure, OfNothing) {
  EXPECT_EQ(without_extension_data(write_body_structure(message::parse_mime(""))),
            "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0)");
  const auto empty =
      write_body_structure(message::parse_mime("Content-Type: multipart/mixed; boundary=q\r\n\r\nno parts"));
  EXPECT_TRUE(empty.starts_with("((\"TEXT\" \"PLAIN\"")) << empty;
}

TEST(ImapBodyStructure, DeepNestingIsBounded) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "Content-Type: message/rfc822\r\n\r\n";
  const auto fact = write_body_structure(message::parse_mime(deep));
  EXPECT_LT(fact.size(), 200'000u);
  EXPECT_LT(without_extension_data(fact).size(), fact.size());
}

// ---- sections --------------------------------------------------------------------------------------------------

std::string octets(std::vector<std::uint32_t> part, SectionSpec::Text text, std::vector<std::string> fields = {},
                   std::optional<Partial> partial = std::nullopt, FetchSection::Kind kind = FetchSection::Kind::body) {
  FetchSection section;
  section.kind = kind;
  section.section = {std::move(part), text, std::move(fields)};
  section.partial = partial;
  const auto result = section_octets(section, message::parse_mime(mixed), mixed);
  return result ? *result : "no such part";
}

TEST(ImapSection, OfTheMessage) {
  using Text = SectionSpec::Text;
  EXPECT_EQ(octets({}, Text::whole), mixed);
  EXPECT_EQ(octets({}, Text::header) + octets({}, Text::text), mixed);
  EXPECT_EQ(octets({}, Text::header_fields, {"FROM", "Missing"}), "From: a@b\r\n\r\n");
  EXPECT_EQ(octets({}, Text::header_fields_not, {"content-type"}), "From: a@b\r\n\r\n");
  EXPECT_EQ(octets({}, Text::whole, {}, Partial{5, 4}), " a@b");
  EXPECT_EQ(octets({}, Text::whole, {}, Partial{1'000'000, 4}), "");
  EXPECT_EQ(octets({}, Text::whole, {}, Partial{mixed.size() - 2, ~0ULL >> 1U}), "\r\n");
}

TEST(ImapSection, OfParts) {
  using Text = SectionSpec::Text;
  EXPECT_EQ(octets({1}, Text::whole), "h=C3=A4\r\n");
  EXPECT_EQ(octets({3}, Text::mime),
            "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i@d>\r\n\r\n");
  EXPECT_EQ(octets({2}, Text::header), "Subject: inner\r\nFrom: c@d\r\n\r\n");
  EXPECT_EQ(octets({2}, Text::text), "inside");
  EXPECT_EQ(octets({2, 1}, Text::whole), "inside");
  EXPECT_EQ(octets({2}, Text::header_fields, {"from"}), "From: c@d\r\n\r\n");
  EXPECT_EQ(octets({4}, Text::whole), "no such part");
  EXPECT_EQ(octets({1}, Text::header), "no such part");
  EXPECT_EQ(octets({1, 1}, Text::whole), "no such part");
}

TEST(ImapSection, BinaryIsDecoded) {
  using Text = SectionSpec::Text;
  const auto binary = FetchSection::Kind::binary;
  EXPECT_EQ(octets({1}, Text::whole, {}, std::nullopt, binary), "h\xc3\xa4\r\n");
  EXPECT_EQ(octets({3}, Text::whole, {}, std::nullopt, binary), std::string("\0\1\2", 3));
  EXPECT_EQ(octets({3}, Text::whole, {}, Partial{1, 5}, binary), "\1\2");
  const std::string_view unknown = "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin";
  FetchSection section;
  section.kind = binary;
  section.section.part = {1};
  const auto result = section_octets(section, message::parse_mime(unknown), unknown);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), SectionError::unknown_cte);
}

}  // namespace
}  // namespace posthorn::imap
