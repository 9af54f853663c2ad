// Vector files: the messages of the MIME RFCs with offsets measured by another parser, and Python's test messages.
#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/message/mime.h"
#include "standards/message/view.h"
#include "standards/test_support/vectors.h"

namespace posthorn::message {
namespace {

struct Extent {
  std::uint64_t header = 0, body = 0, end = 0;
  friend auto operator<=>(const Extent&, const Extent&) = default;
};

std::string show(const std::vector<Extent>& extents) {
  std::string out;
  for (const Extent& e : extents) out += fmt::format("{} {} {}\n", e.header, e.body, e.end);
  return out;
}

/// The number after the next `"key":` from `at` on; moves `at` behind it.
std::optional<std::uint64_t> next_number(std::string_view json, std::string_view key, std::size_t& at) {
  const std::string quoted = fmt::format("\"{}\":", key);
  const auto found = json.find(quoted, at);
  if (found == std::string_view::npos) return std::nullopt;
  at = found + quoted.size();
  const auto digits = text::trim(json.substr(at, 24));
  return text::parse_number(digits.substr(0, digits.find_first_not_of("0123456789")));
}

/// Header fields have an "offset_end" of their own; a part's stands right after its "offset_body".
std::vector<Extent> expected_extents(std::string_view json) {
  std::vector<Extent> extents;
  std::size_t at = 0;
  while (const auto header = next_number(json, "offset_header", at)) {
    const auto body = next_number(json, "offset_body", at);
    const auto end = next_number(json, "offset_end", at);
    extents.push_back({*header, body.value(), end.value()});
  }
  std::ranges::sort(extents);
  return extents;
}

std::vector<Extent> found_extents(const PartTree& tree) {
  std::vector<Extent> extents;
  extents.reserve(tree.parts.size());
  for (const Part& part : tree.parts)
    extents.push_back({part.header_offset, part.body_offset, part.body_offset + part.body_length});
  std::ranges::sort(extents);
  return extents;
}

bool is_inside_encoded_message(const Extent& extent) {
  constexpr std::array inside{Extent{0, 319, 872}, Extent{409, 500, 530}, Extent{576, 651, 824}};
  return std::ranges::find(inside, extent) != inside.end();
}

TEST(MailParserVectors, OffsetsOfTheMessagesInTheRfcs) {
  for (int number = 0; number < 10; ++number) {
    const std::string base = fmt::format("mime/mail-parser-rfc/{:03}", number);
    POSTHORN_VECTORS_OR_SKIP(message, base + ".eml");
    for (const bool crlf : {false, true}) {
      POSTHORN_VECTORS_OR_SKIP(json, base + (crlf ? ".crlf.json" : ".json"));
      const PartTree tree = parse_mime(crlf ? test_support::with_crlf(message) : message);
      auto expected = expected_extents(json);
      // A message/rfc822 in base64: RFC 2046 5.2.1 forbids it and we leave it closed; its parts have offsets of
      // their own in the expected values, those from 0 on and what follows out of order.
      if (number == 8) std::erase_if(expected, [](const Extent& e) { return is_inside_encoded_message(e); });
      EXPECT_EQ(show(found_extents(tree)), show(expected)) << base << (crlf ? " CRLF" : " LF");
    }
  }
}

/// number:parts of every python-email message; counted by Python's own email package (walk() over the message).
constexpr std::string_view python_parts =
    "01:1 02:15 03:1 04:3 05:5 06:2 07:3 08:5 09:5 10:6 11:2 12:8 12a:8 13:5 14:1 15:4 16:7 17:1 18:1 19:1 20:1 21:3 "
    "22:5 23:2 24:2 25:1 26:3 27:1 28:5 29:1 30:5 31:1 32:1 33:3 34:4 35:1 36:7 37:4 38:7 39:6 40:1 41:1 42:4 43:30 "
    "44:3 45:3 46:2";

struct Difference {
  std::string_view file;
  std::size_t parts;  ///< what we read
  std::string_view reason;
};
constexpr std::array differences{
    Difference{"15", 5, "an inner multipart with the boundary of the outer one: the innermost open one is meant"},
    Difference{"16", 5, "Python takes a delivery-status part apart into its groups of fields"},
    Difference{"36", 5, "Python takes the phantom body of message/external-body for a message"},
    Difference{"37", 8, "two delimiters in a row: an empty part for us, nothing for Python"},
    Difference{"39", 12, "inner multiparts with the boundary of the outer one: the innermost open one is meant"},
    Difference{"43", 4, "Python takes a delivery-status part apart into its groups of fields"},
};

TEST(PythonEmailVectors, NumberOfParts) {
  for (const std::string_view row : text::words(python_parts)) {
    const auto colon = row.find(':');
    const std::string file = fmt::format("mime/python-email/msg_{}.txt", row.substr(0, colon));
    POSTHORN_VECTORS_OR_SKIP(message, file);
    const std::string octets = test_support::with_crlf(message);
    const PartTree tree = parse_mime(octets);
    const auto* known = std::ranges::find(differences, row.substr(0, colon), &Difference::file);
    const auto wanted = known == differences.end() ? text::parse_number(row.substr(colon + 1)) : known->parts;
    EXPECT_EQ(tree.parts.size(), wanted) << file;
    for (const Part& part : tree.parts) EXPECT_LE(part.body_offset + part.body_length, octets.size()) << file;
    EXPECT_EQ(view_message(octets).parts.size(), 1u);
  }
}

TEST(View, MessageAddressesAndPreview) {
  const std::string message =
      "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
      "Content-Type: text/html; charset=iso-8859-1\r\n\r\n<style>x{}</style><p>Gr\xfc\xdf &amp;\r\n "
      "Gott</p>\r\n--b--\r\n";
  const MessageView view = view_message(message);
  EXPECT_EQ(view.header.at(0).decoded, "Grüße");
  ASSERT_EQ(view.parts.size(), 1u);
  const PartView& html = view.parts[0].parts.at(0);
  EXPECT_EQ(html.path, "1");
  EXPECT_EQ(html.type, "text/html");
  EXPECT_EQ(html.charset, "iso-8859-1");
  EXPECT_EQ(html.text->find("Grüß") != std::string::npos, true);
  EXPECT_EQ(message.substr(html.offset, 6), "<style");
  EXPECT_EQ(preview(parse_mime(message), message), "Grüß & Gott");
  EXPECT_EQ(preview(parse_mime(message), message, 5), "Grüß");
  const auto mailboxes = view_address_list("Team: =?utf-8?q?=C3=84nn?= <ann@Alpha.example>;, bob@beta.example");
  ASSERT_TRUE(mailboxes);
  ASSERT_EQ(mailboxes->size(), 2u);
  EXPECT_EQ((*mailboxes)[0].display, "Änn");
  EXPECT_EQ((*mailboxes)[0].group, "Team");
  EXPECT_EQ((*mailboxes)[0].domain, "alpha.example");
  EXPECT_EQ((*mailboxes)[1].group, std::nullopt);
  EXPECT_FALSE(view_address_list("no address"));
  EXPECT_EQ(with_crlf("a\nb\r\nc\rd"), "a\r\nb\r\nc\rd");
}

}  // namespace
}  // namespace posthorn::message
