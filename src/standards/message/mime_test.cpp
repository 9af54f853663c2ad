#include "standards/message/mime.h"

#include <gtest/gtest.h>

#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

// ---- encoded-words

TEST(EncodedWords, Rfc2047Section8) {
  EXPECT_EQ(decode_encoded_words("(=?ISO-8859-1?Q?a?=)"), "(a)");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= b"), "a b");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a_b?="), "a b");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>"),
            "Keld Jørn Simonsen <keld@dkuug.dk>");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\t"
                                 "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
            "If you can read this you understand the example.");
  EXPECT_EQ(decode_encoded_words("=?US-ASCII*EN?Q?Keith_Moore?="), "Keith Moore") << "RFC 2231 5";
}

TEST(EncodedWords, TheWorldSplitsCharacters) {
  EXPECT_EQ(decode_encoded_words("=?utf-8?B?w6E=?= =?utf-8?B?w?= =?utf-8?Q?=BC?="), "á\xef\xbf\xbd");
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), "ü");
  EXPECT_EQ(decode_encoded_words("caf\xe9"), "café");
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?a=0D=0ABcc:_b?="), "a  Bcc: b");
  EXPECT_EQ(decode_encoded_words("=?a=?b?= =?x?Z?y?= =?"), "=?a=?b?= =?x?Z?y?= =?");
}

TEST(EncodedWords, EncodingReadsBack) {
  for (const std::string_view text : {"plain words", "Grüße aus München", "日本語の件名", "=?not a word?=", "a  b",
                                      " ü ", "mixed ü and ü then plain", ""}) {
    const std::string encoded = encode_words(text, EncodedWordContext::unstructured);
    EXPECT_FALSE(has_8bit(encoded)) << text;
    EXPECT_EQ(decode_encoded_words(encoded), text);
  }
  EXPECT_EQ(encode_words("John Q. Public", EncodedWordContext::phrase), "\"John Q. Public\"");
  EXPECT_EQ(encode_words("Ann", EncodedWordContext::phrase), "Ann");
  EXPECT_EQ(encode_words("Åke", EncodedWordContext::phrase), "=?utf-8?q?=C3=85ke?=");
}

// ---- parameters

TEST(Parameters, Rfc2231) {
  EXPECT_EQ(parse_parameterized("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
                                " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"")
                .parameter("url"),
            "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar");
  EXPECT_EQ(parse_parameterized("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")
                .parameter("title"),
            "This is ***fun***");
  EXPECT_EQ(parse_parameterized("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;"
                                " title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"")
                .parameter("title"),
            "This is even more ***fun*** isn't it!");
  EXPECT_EQ(parse_parameterized("a/b; n*1=b; n*0=a; n*3=d; n=plain").parameter("n"), "ab");
}

TEST(Parameters, TheWorld) {
  const auto plain = parse_parameterized(" TEXT/Plain (c) ; CharSet = us-ascii (Plain text) ; format=flowed;");
  EXPECT_EQ(plain.value, "text/plain");
  EXPECT_EQ(plain.parameter("charset"), "us-ascii");
  EXPECT_EQ(plain.parameter("format"), "flowed");
  EXPECT_EQ(parse_parameterized("attachment; filename=My File.pdf; size=3").parameter("filename"), "My File.pdf");
  EXPECT_EQ(parse_parameterized("attachment; filename=\"=?utf-8?q?=C3=BC?=.txt\"").parameter("filename"), "ü.txt");
  EXPECT_EQ(parse_parameterized("multipart/mixed; boundary=\"a;\\\"b\"").parameter("boundary"), "a;\"b");
  EXPECT_EQ(parse_parameterized("").value, "");
  for (const std::string_view text : {"plain", "two words", "ü; x", "a\"b\\c", ""})
    EXPECT_EQ(parse_parameterized("a/b; " + write_parameter("n", text)).parameter("n"), text);
}

// ---- charsets

TEST(Charset, ToUtf8) {
  EXPECT_EQ(to_utf8("\xfc\x80", "ISO-8859-1"), "ü€");
  EXPECT_EQ(to_utf8("\xc3\xbc\xff", "utf-8"), "ü\xef\xbf\xbd");
  EXPECT_EQ(to_utf8("\x1b$B$3$s\x1b(B", "iso-2022-jp"), "こん");
  EXPECT_EQ(to_utf8("\xd6\xd0", "gb2312"), "中");
  EXPECT_EQ(to_utf8("caf\xc3\xa9", "no-such-charset"), "café");
  EXPECT_EQ(to_utf8("caf\xe9", "utf-8//TRANSLIT"), "café");
  EXPECT_EQ(to_utf8("\xe9", ""), "é");
}

// ---- structure

PartTree parse_in_pieces(std::string_view message, std::size_t size) {
  MimeParser parser;
  for (std::size_t at = 0; at < message.size(); at += size) parser.push(message.substr(at, size));
  return parser.finish();
}

/// path type offset+length lines, a line a part.
std::string shape(const PartTree& tree) {
  std::string out;
  for (std::size_t i = 0; i < tree.parts.size(); ++i) {
    const Part& part = tree.parts[i];
    out += fmt::format("[{}] {} {}+{} {}{}\n", tree.path(i), part.content_type.value, part.body_offset,
                       part.body_length, part.body_lines, part.unterminated ? " unterminated" : "");
  }
  return out;
}

// RFC 2046 5.1.1's example, shortened.
constexpr std::string_view simple =
    "MIME-Version: 1.0\r\nContent-type: multipart/mixed; boundary=\"simple boundary\"\r\n\r\n"
    "preamble\r\n\r\n--simple boundary\r\n\r\nimplicitly typed, no line end.\r\n--simple boundary\r\n"
    "Content-type: text/plain; charset=us-ascii\r\n\r\nends with a linebreak.\r\n\r\n--simple "
    "boundary--\r\n\r\nepilogue";

TEST(Mime, Rfc2046Section511) {
  const PartTree tree = parse_mime(simple);
  ASSERT_EQ(tree.parts.size(), 3u);
  EXPECT_EQ(body_of(tree.parts[1], simple), "implicitly typed, no line end.");
  EXPECT_EQ(tree.parts[1].body_lines, 0u);
  EXPECT_EQ(body_of(tree.parts[2], simple), "ends with a linebreak.\r\n");
  EXPECT_EQ(tree.parts[2].body_lines, 1u);
  EXPECT_FALSE(tree.parts[0].unterminated);
  EXPECT_EQ(tree.parts[0].body_offset + tree.parts[0].body_length, simple.size());
  for (std::size_t size = 1; size < 90; ++size) EXPECT_EQ(shape(parse_in_pieces(simple, size)), shape(tree)) << size;
}

constexpr std::string_view nested =
    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: inner\r\nContent-Type: multipart/alternative; boundary=aa\r\n\r\n--aa\r\n\r\none\r\n--aa\r\n"
    "Content-Type: text/html\r\n\r\n<p>two\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
    "single\r\n\r\nbody\r\n"
    "--a\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nFrom: x\r\n\r\nin "
    "digest\r\n--d--\r\n--a--\r\n";

TEST(Mime, NestsMessagesAndEndsPartsAtOuterBoundaries) {
  const PartTree tree = parse_mime(nested);
  std::string paths;
  for (std::size_t i = 0; i < tree.parts.size(); ++i)
    paths += fmt::format("[{}]{} ", tree.path(i), tree.parts[i].content_type.value);
  EXPECT_EQ(paths,
            "[]multipart/mixed [1]message/rfc822 [1]multipart/alternative [1.1]text/plain [1.2]text/html "
            "[2]message/rfc822 [2.1]text/plain [3]multipart/digest [3.1]message/rfc822 [3.1.1]text/plain ");
  EXPECT_TRUE(tree.parts[2].unterminated);
  EXPECT_EQ(body_of(tree.parts[4], nested), "<p>two");
  EXPECT_EQ(tree.parts[2].header.value("subject"), "inner");
  EXPECT_EQ(body_of(tree.parts[9], nested), "in digest");
  EXPECT_EQ(tree.at_path("1.2"), 4u);
  EXPECT_EQ(tree.at_path("2.1"), 6u);
  EXPECT_EQ(tree.at_path("2"), 5u);
  EXPECT_EQ(tree.at_path("2.2"), std::nullopt);
  EXPECT_EQ(tree.at_path("1.1.1"), std::nullopt);
  EXPECT_EQ(tree.at_path("3.1.1"), 9u);
  for (const std::size_t size : {1u, 2u, 3u, 7u, 64u}) EXPECT_EQ(shape(parse_in_pieces(nested, size)), shape(tree));
  const PartTree single = parse_mime("Subject: x\r\n\r\nbody");
  EXPECT_EQ(single.path(0), "1");
  EXPECT_EQ(single.at_path("1"), 0u);
  EXPECT_EQ(single.at_path("1.1"), std::nullopt);
}

TEST(Mime, TenThousandNestedPartsAreBounded) {
  std::string message;
  for (int i = 0; i < 10'000; ++i)
    message += fmt::format("Content-Type: multipart/mixed; boundary=b{}\r\n\r\n--b{}\r\n", i, i);
  const PartTree deep = parse_mime(message);
  EXPECT_TRUE(deep.truncated);
  EXPECT_LE(deep.parts.size(), mime_depth_max + 1);
  std::string wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) wide += "--b\r\n\r\nx\r\n";
  const PartTree many = parse_mime(wide);
  EXPECT_TRUE(many.truncated);
  EXPECT_EQ(many.parts.size(), mime_parts_max);
  std::string messages;
  for (int i = 0; i < 10'000; ++i) messages += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_LE(parse_mime(messages).parts.size(), mime_depth_max + 1);
}

TEST(Mime, DecodesText) {
  const std::string message =
      "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n"
      "Gr=FC=\r\n=DFe\r\n";
  const PartTree tree = parse_mime(message);
  EXPECT_EQ(text_of(tree.parts[0], message), "Grüße\r\n");
  EXPECT_EQ(decoded_length(body_of(tree.parts[0], message), tree.parts[0].encoding), 7u);
  EXPECT_EQ(decoded_length("aGFs\r\nbG8=\r\n", TransferEncoding::base64), 5u);
  EXPECT_EQ(parse_transfer_encoding(" BASE64 (x)"), TransferEncoding::base64);
  EXPECT_EQ(parse_transfer_encoding("x-uuencode"), TransferEncoding::unknown);
}

TEST(Mime, BoundariesThatAreNone) {
  const std::string message =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--bx\r\n--b \t\r\n\r\ntext\r\n--b-\r\n -- b\r\n--b--\r\n";
  const PartTree tree = parse_mime(message);
  ASSERT_EQ(tree.parts.size(), 2u);
  EXPECT_EQ(body_of(tree.parts[1], message), "text\r\n--b-\r\n -- b");
  EXPECT_TRUE(parse_mime("Content-Type: multipart/mixed\r\n\r\n--b\r\n").parts[0].unterminated);
  EXPECT_EQ(parse_mime("Content-Type: nonsense\r\n\r\n").parts[0].content_type.value, "text/plain");
  EXPECT_EQ(parse_mime("").parts.size(), 1u);
}

}  // namespace
}  // namespace posthorn::message
