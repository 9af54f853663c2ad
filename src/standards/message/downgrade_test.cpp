// Messages for readers without UTF-8 (RFC 6857), by the kinds of fields and the places they stand at.
#include "standards/message/downgrade.h"

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

std::string downgraded(Octets message, std::size_t piece = Octets::npos) {
  auto replacements = downgrade(parse_mime(message));
  const auto octets = downgraded_octets(message.size(), replacements);
  Downgrader downgrader(std::move(replacements));
  std::string out;
  for (Octets rest = message; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    out += downgrader.push(rest.substr(0, piece));
  EXPECT_EQ(out.size(), octets);
  return out;
}

std::string field(const std::string& text) {
  const std::string out = downgraded(text + "\r\n\r\n");
  EXPECT_TRUE(text::is_ascii(out)) << out;
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  return unfold(Octets(out).substr(0, out.size() - 4));
}

TEST(Downgrade, OnlyInternationalizedHeadersAreTouched) {
  for (const Octets message : {"Subject: plain\r\nFrom: a@b.example\r\n\r\ngr\xC3\xBC\xC3\x9F\r\n",
                               "Subject: gr\xFC\xDF of old\r\n\r\n",  // no UTF-8: it was never internationalized
                               "Subject: x\r\nno field \xC3\xBC\r\n\r\n", "", "\r\n\xC3\xBC"})
    EXPECT_EQ(downgraded(message), message);
}

// RFC 6857 3.1.8.
TEST(Downgrade, Addresses) {
  EXPECT_EQ(field("From: J\xC3\xBCrgen <j@x.example>"), "From: =?utf-8?q?J=C3=BCrgen?= <j@x.example>");
  const std::string to = field("To: \xE7\x94\xB2 <\xE7\x94\xB2@x.example>, plain@x.example");
  EXPECT_TRUE(to.ends_with(" :;, plain@x.example")) << to;
  EXPECT_EQ(to.find('<'), std::string::npos) << "nobody can be answered there by mistake";
  EXPECT_NE(decode_encoded_words(to).find("\xE7\x94\xB2@x.example"), std::string::npos);
  EXPECT_EQ(field("Cc: a@b\xC3\xBC"
                  "cher.example"),
            "Cc: a@xn--bcher-kva.example")
      << "a domain has another form";
}

// RFC 6857 3.1.7: a group with an address that cannot be written is a group that only tells.
TEST(Downgrade, Groups) {
  EXPECT_EQ(field("To: Gr\xC3\xBCne: a@x.example, B <b@x.example>;, c@x.example"),
            "To: =?utf-8?b?R3LDvG5l?=: a@x.example, B <b@x.example>;, c@x.example");
  const std::string to = field("To: Team: a@x.example, \xC3\xBC@x.example;, c@x.example");
  EXPECT_TRUE(to.starts_with("To: Team =?utf-8?")) << to;
  EXPECT_TRUE(to.ends_with(" :;, c@x.example")) << to;
  EXPECT_NE(decode_encoded_words(to).find("a@x.example, \xC3\xBC@x.example"), std::string::npos);
  EXPECT_EQ(field("To: \xC3\xBC:;"), "To: =?utf-8?b?w7w=?=:;");
}

TEST(Downgrade, OtherFields) {
  EXPECT_EQ(decode_encoded_words(field("Subject: gr\xC3\xBC\xC3\x9F dich")), "Subject: gr\xC3\xBC\xC3\x9F dich");
  EXPECT_EQ(decode_encoded_words(field("X-Own: a \xC3\xBC b")), "X-Own: a \xC3\xBC b");
  EXPECT_EQ(field("Keywords: one, \xC3\xBC"), "Keywords: one, =?utf-8?b?w7w=?=");
  // RFC 6857 3.1.3: only comments of these can have it.
  EXPECT_EQ(field("MIME-Version: 1.0 (gr\xC3\xBC\xC3\x9F dich)"), "MIME-Version: 1.0 (=?utf-8?b?Z3LDvMOf?= dich)");
  // 3.1.10
  EXPECT_TRUE(field("Message-ID: <\xC3\xBC@x.example>").starts_with("Downgraded-Message-ID: =?utf-8?"));
  EXPECT_TRUE(field("References: <a@b> <\xC3\xBC@x.example>").starts_with("Downgraded-References: "));
}

TEST(Downgrade, ReceivedLosesOnlyWhatCannotBeWritten) {
  EXPECT_EQ(
      field("Received: from b\xC3\xBC"
            "cher.example by x.example id 7 for <\xC3\xBC@x.example>; Mon, 21 Sep 2026 14:13:20 +0000 (\xC3\xBC)"),
      "Received: from xn--bcher-kva.example by x.example id 7; Mon, 21 Sep 2026 14:13:20 +0000 (=?utf-8?b?w7w=?=)");
}

// RFC 6857 3.1.4: parameters as RFC 2231 has them.
TEST(Downgrade, Parameters) {
  EXPECT_EQ(field("Content-Type: text/plain; charset=utf-8; name=\"\xC3\xBC.txt\""),
            "Content-Type: text/plain; charset=utf-8; name*=utf-8''%C3%BC.txt");
  EXPECT_EQ(field("Content-Disposition: attachment; filename=\xC3\xBC"),
            "Content-Disposition: attachment; filename*=utf-8''%C3%BC");
}

TEST(Downgrade, LinesStayShort) {
  std::string subject = "Subject:";
  for (int i = 0; i < 200; ++i) subject += " gr\xC3\xBC\xC3\x9F";
  const std::string out = downgraded(subject + "\r\n\r\n");
  for (std::string_view rest = out; !rest.empty();) {
    const auto line = text::take_until(rest, '\n');
    EXPECT_LE(line.size(), 78u);
  }
}

// RFC 6857 4: at all levels of the structure; bodies stay as they are.
TEST(Downgrade, HeadersOfPartsAndOfMessagesWithin) {
  const std::string message =
      "Subject: plain\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "pre\xC3\xBC\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngr\xC3\xBC\xC3\x9F: \xC3\xBC\r\n"
      "--b\r\nContent-Disposition: attachment; filename=\"\xC3\xBC.txt\"\r\n"
      "Content-Description: \xC3\xBC ber\r\n\r\nx\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner \xC3\xBC\r\nX: kept   so\r\n\r\n\xC3\xBC\r\n--b--\r\n";
  const std::string wanted =
      "Subject: plain\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "pre\xC3\xBC\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngr\xC3\xBC\xC3\x9F: \xC3\xBC\r\n"
      "--b\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.txt\r\n"
      "Content-Description: =?utf-8?b?w7w=?= ber\r\n\r\nx\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner =?utf-8?b?w7w=?=\r\nX: kept   "
      "so\r\n\r\n\xC3\xBC\r\n--b--\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, Octets::npos})
    EXPECT_EQ(downgraded(message, piece), wanted) << piece;
}

TEST(Downgrade, AnMboxLineOnTopStays) {
  const std::string out = downgraded("From a@b Mon Sep 21 14:13:20 2026\r\nSubject: \xC3\xBC\r\n\r\nx\r\n");
  EXPECT_TRUE(out.starts_with("From a@b Mon Sep 21 14:13:20 2026\r\nSubject: =?")) << out;
}

}  // namespace
}  // namespace posthorn::message
