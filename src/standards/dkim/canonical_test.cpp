#include "standards/dkim/canonical.h"

#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/dkim/message_scan.h"

namespace posthorn::dkim {
namespace {

std::string canonical_body(Canonicalization form, const std::vector<std::string>& pieces) {
  StringSink sink;
  BodyCanonicalizer canonicalizer{form, sink};
  for (const std::string& piece : pieces) canonicalizer.feed(piece);
  canonicalizer.finish();
  return sink.text;
}

std::string simple(const std::string& body) {
  return canonical_body(Canonicalization::simple, {body});
}
std::string relaxed(const std::string& body) {
  return canonical_body(Canonicalization::relaxed, {body});
}

std::string body_hash(Canonicalization form, Octets message) {
  const BodyHashKind kind{form, crypto::SignatureHash::sha256, std::nullopt};
  MessageScan scan{{kind}};
  scan.feed(message);
  scan.finish();
  return codec::base64_encode(scan.body_hash(kind)->digest);
}

TEST(BodyCanonicalizer, AnswersTheExampleOfRfc6376Section345) {
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(relaxed(body), " C\r\nD E\r\n");
  EXPECT_EQ(simple(body), " C \r\nD \t E\r\n");
}

TEST(BodyCanonicalizer, KnowsTheTwoEmptyBodies) {
  EXPECT_EQ(simple(""), "\r\n");
  EXPECT_EQ(relaxed(""), "");
  EXPECT_EQ(simple("\r\n\r\n"), "\r\n");
  EXPECT_EQ(relaxed("\r\n \t\r\n"), "");
  // RFC 6376 3.4.3, 3.4.4.
  EXPECT_EQ(body_hash(Canonicalization::simple, "From: a@b.example\r\n\r\n"),
            "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(body_hash(Canonicalization::relaxed, "From: a@b.example\r\n\r\n"),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(body_hash(Canonicalization::simple, "From: a@b.example\r\n"),
            "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=")
      << "a message that ends with its header";
}

TEST(BodyCanonicalizer, AddsTheMissingLineEnd) {
  EXPECT_EQ(simple("a"), "a\r\n");
  EXPECT_EQ(relaxed("a \t"), "a\r\n");
  EXPECT_EQ(relaxed(" a"), " a\r\n");
}

TEST(BodyCanonicalizer, TakesLoneCrAndLfAsOctets) {
  EXPECT_EQ(simple("a\rb\nc\r"), "a\rb\nc\r\r\n");
  EXPECT_EQ(relaxed("a \rb\n\r\n"), "a \rb\n\r\n");
  EXPECT_EQ(simple("\r\r\n\r"), "\r\r\n\r\r\n");
}

/// RFC 6376 3.4.4 in the plainest way: by lines of the whole body.
std::string plain_relaxed(const std::string& body) {
  std::string out;
  std::string empty_lines;
  for (std::size_t at = 0; at < body.size();) {
    const auto end = std::min(body.find("\r\n", at), body.size());
    std::string line;
    for (const char c : body.substr(at, end - at)) {
      const bool space = c == ' ' || c == '\t';
      if (space && line.ends_with(' ')) continue;
      line += space ? ' ' : c;
    }
    while (line.ends_with(' ')) line.pop_back();
    if (line.empty()) {
      empty_lines += "\r\n";
    } else {
      out += empty_lines + line + "\r\n";
      empty_lines.clear();
    }
    at = end + 2;
  }
  return out;
}

std::string plain_simple(std::string body) {
  while (body.ends_with("\r\n")) body.resize(body.size() - 2);
  return body + "\r\n";
}

TEST(BodyCanonicalizer, DoesNotDependOnWherePiecesAreCut) {
  std::mt19937 random{7};
  constexpr std::string_view alphabet = "ab \t\r\n";
  for (int round = 0; round < 3000; ++round) {
    std::string body;
    for (unsigned length = random() % 24; length > 0; --length) {
      const std::size_t pick = random() % 8;
      body += pick < alphabet.size() ? std::string{alphabet[pick]} : "\r\n";
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < body.size();) {
      pieces.push_back(body.substr(at, 1 + random() % 4));
      at += pieces.back().size();
    }
    for (const auto form : {Canonicalization::simple, Canonicalization::relaxed}) {
      const std::string whole = canonical_body(form, {body});
      EXPECT_EQ(whole, canonical_body(form, pieces));
      EXPECT_EQ(whole, form == Canonicalization::simple ? plain_simple(body) : plain_relaxed(body));
    }
  }
}

TEST(CanonicalHeader, AnswersTheExampleOfRfc6376Section345) {
  std::string out;
  append_canonical_field(out, Canonicalization::relaxed, "A: X\r\n");
  append_canonical_field(out, Canonicalization::relaxed, "B : Y\t\r\n\tZ  \r\n");
  EXPECT_EQ(out, "a:X\r\nb:Y Z\r\n");
  out.clear();
  append_canonical_field(out, Canonicalization::simple, "B : Y\t\r\n\tZ  \r\n");
  EXPECT_EQ(out, "B : Y\t\r\n\tZ  \r\n");
}

TEST(CanonicalHeader, PicksFieldsFromTheBottom) {
  const auto header = message::Header::parse("Subject: one\r\nsubject: two\r\nTo: x\r\n\r\n");
  const std::string own = "S: b=";
  EXPECT_EQ(canonical_headers(header, {"Subject", "SUBJECT", "Subject", "Absent"}, Canonicalization::relaxed,
                              {own, own.size(), own.size()}),
            "subject:two\r\nsubject:one\r\ns:b=");
}

TEST(MessageScan, ALineOfAnyLengthIsHashedInPassing) {
  const std::string piece(MiB, 'x');
  const BodyHashKind kind{Canonicalization::relaxed, crypto::SignatureHash::sha256, std::nullopt};
  MessageScan scan{{kind}};
  scan.feed("From: a@b.example\r\n\r\n");
  for (int i = 0; i < 64; ++i) scan.feed(piece);
  scan.finish();
  EXPECT_EQ(scan.body_hash(kind)->canonical_octets, 64 * MiB + 2);
}

TEST(MessageScan, FindsTheBodyOfAMessageWithoutSeparator) {
  const std::string message = "From: a@b.example\r\nnot a field\r\nmore\r\n";
  std::string expected;
  for (std::size_t step = 1; step < message.size(); ++step) {
    const BodyHashKind kind{Canonicalization::simple, crypto::SignatureHash::sha256, std::nullopt};
    MessageScan scan{{kind}};
    for (std::size_t at = 0; at < message.size(); at += step) scan.feed(Octets{message}.substr(at, step));
    scan.finish();
    const std::string found = scan.body_hash(kind)->digest;
    if (expected.empty()) expected = found;
    EXPECT_EQ(found, expected) << step;
    EXPECT_EQ(scan.body_hash(kind)->canonical_octets, std::string_view{"not a field\r\nmore\r\n"}.size());
  }
}

}  // namespace
}  // namespace posthorn::dkim
