// RFC 6376, 8301, 8463, 8616: the vectors of the RFCs, each trap, and signing against verifying.
#include <cstdlib>

#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/dkim/canonical.h"
#include "standards/dkim/sign.h"
#include "standards/dkim/verify.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"

namespace posthorn::dkim {
namespace {

using test_support::with_crlf;

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kMessage =
    "From: Ann <ann@alpha.example>\r\nTo: bob@beta.example\r\nSubject: Hello\r\n"
    "Date: Thu, 24 Dec 2026 08:00:00 +0000\r\nMessage-ID: <1@alpha.example>\r\n\r\nHello, Bob.\r\n";

/// RFC 8463 A.2; the RSA key is that of RFC 6376 C.
constexpr std::string_view kFootballZone =
    "brisbane._domainkey.football.example.com. TXT \"v=DKIM1; k=ed25519; "
    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
    "test._domainkey.football.example.com. TXT \"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
    "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b\" "
    "\"yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
    "K4w3QIDAQAB\"\n";

std::vector<VerifiedSignature> verify_in(std::string_view zone, Octets message, std::int64_t now = kNow) {
  auto parsed = dns::Zone::parse(zone);
  EXPECT_TRUE(parsed) << parsed.error().text();
  dns::ZoneFileResolver resolver{*parsed};
  MessageScan scan;
  scan.feed(message);
  scan.finish();
  return test_support::run_task(verify(scan, resolver, from_unix_seconds(now)));
}

dns::Name name(std::string_view text) {
  return dns::Name::parse(text).value();
}

const crypto::PrivateKey& rsa_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_rsa(2048).value();
  return key;
}
const crypto::PrivateKey& ed25519_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_ed25519().value();
  return key;
}

Signer rsa_signer() {
  return {name("alpha.example"), name("r1"), rsa_key()};
}
Signer ed25519_signer() {
  return {name("alpha.example"), name("e1"), ed25519_key()};
}

std::string quoted(const std::string& text) {
  std::string out;
  for (const std::string& piece : txt_strings(text)) out += "\"" + piece + "\" ";
  return out;
}

std::string rsa_record(std::string_view more = "") {
  return quoted(std::string{more} + "k=rsa; p=" + codec::base64_encode(rsa_key().public_key().dkim_octets()));
}

std::string zone_with(std::string_view r1) {
  return fmt::format("r1._domainkey.alpha.example. TXT {}\ne1._domainkey.alpha.example. TXT {}\n", r1,
                     quoted(key_record_text(ed25519_key().public_key())));
}
std::string zone() {
  return zone_with(quoted(key_record_text(rsa_key().public_key())));
}

SigningOptions options() {
  SigningOptions out;
  out.now = from_unix_seconds(kNow);
  return out;
}

std::string signed_with(const std::vector<Signer>& signers, const SigningOptions& how, const std::string& message) {
  MessageScan scan{{signing_body_hash(how.canonicalizations.body)}};
  scan.feed(message);
  scan.finish();
  const auto* body = scan.body_hash(signing_body_hash(how.canonicalizations.body));
  return sign_all(scan.header(), body->digest, signers, how) + message;
}
std::string signed_message() {
  return signed_with({rsa_signer()}, options(), kMessage);
}

/// A signature made by hand over kMessage: `tags` before bh= and b=, and whatever body hash they imply.
std::string hand_signed(std::string_view tags, Canonicalization body_form = Canonicalization::simple) {
  const BodyHashKind kind = signing_body_hash(body_form);
  MessageScan scan{{kind}};
  scan.feed(kMessage);
  scan.finish();
  std::string field =
      fmt::format("DKIM-Signature: {}; bh={}; b=", tags, codec::base64_encode(scan.body_hash(kind)->digest));
  const OwnField own{field, field.size(), field.size()};
  crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
  digest.update(canonical_headers(scan.header(), {"From"}, Canonicalization::simple, own));
  return field + codec::base64_encode(rsa_key().sign_sha256(digest.finish())) + "\r\n" + kMessage;
}
constexpr std::string_view kPlainTags = "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From";

/// The one result of a hand-made signature against a key record.
VerifiedSignature judged(std::string_view tags, std::string_view r1, std::int64_t now = kNow) {
  return verify_in(zone_with(r1), hand_signed(tags), now).at(0);
}
VerifiedSignature judged(std::string_view tags) {
  return judged(tags, rsa_record());
}

// --- the RFCs' own messages

TEST(DkimVectors, BothSignaturesOfRfc8463Verify) {
  POSTHORN_VECTORS_OR_SKIP(text, "dkim/rfc-examples/rfc6376.signed.msg");
  const auto results = verify_in(kFootballZone, with_crlf(text));
  ASSERT_EQ(results.size(), 2U);
  for (const VerifiedSignature& result : results) {
    EXPECT_EQ(result.result, Result::pass) << result.reason;
    EXPECT_EQ(result.domain, "football.example.com");
    EXPECT_TRUE(result.counted_for_dmarc);
  }
  EXPECT_EQ(results[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(results[0].key_bits, 256U);
  EXPECT_EQ(results[1].algorithm, "rsa-sha256");
  EXPECT_EQ(results[1].key_bits, 1024U);
}

TEST(DkimVectors, AChangedBodyIsToldFromAChangedHeader) {
  POSTHORN_VECTORS_OR_SKIP(text, "dkim/rfc-examples/rfc6376.signed.msg");
  std::string message = with_crlf(text);
  message.replace(message.find("hungry"), 6, "thirst");
  for (const auto& result : verify_in(kFootballZone, message)) {
    EXPECT_EQ(result.result, Result::fail);
    EXPECT_EQ(result.body_hash, Mathematics::bad);
    EXPECT_EQ(result.signature, Mathematics::good);
  }
  message = with_crlf(text);
  message.replace(message.find("dinner"), 6, "supper");
  for (const auto& result : verify_in(kFootballZone, message)) {
    EXPECT_EQ(result.result, Result::fail);
    EXPECT_EQ(result.body_hash, Mathematics::good);
    EXPECT_EQ(result.signature, Mathematics::bad);
  }
}

TEST(DkimVectors, Ed25519OfAnotherImplementationVerifies) {
  POSTHORN_VECTORS_OR_SKIP(text, "dkim/rfc-examples/ed25519test2.msg");
  const auto results =
      verify_in("sed._domainkey.test.ex. TXT \"v=DKIM1; k=ed25519; p=sPs07Vu29FpHT/80UXUcYHFOHifD4o2ZlP2+XUh9g6E=\"\n",
                with_crlf(text));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].body_hash, Mathematics::good);
  EXPECT_EQ(results[0].result, Result::pass) << results[0].reason;
}

// --- signing

TEST(DkimSign, BothAlgorithmsVerifyInEveryForm) {
  for (const auto header : {Canonicalization::simple, Canonicalization::relaxed})
    for (const auto body : {Canonicalization::simple, Canonicalization::relaxed}) {
      SigningOptions how = options();
      how.canonicalizations = {header, body};
      const auto results = verify_in(zone(), signed_with({rsa_signer(), ed25519_signer()}, how, kMessage));
      ASSERT_EQ(results.size(), 2U);
      for (const auto& result : results) EXPECT_EQ(result.result, Result::pass) << result.reason;
    }
}

TEST(DkimSign, LinesStayWithin78Octets) {
  const std::string field = signed_with({rsa_signer()}, options(), kMessage);
  for (std::string_view rest = field; !rest.empty();) {
    const auto end = rest.find("\r\n");
    EXPECT_LE(end, 78U) << rest.substr(0, end);
    rest.remove_prefix(end + 2);
  }
}

TEST(DkimSign, SurvivesRelaysThatAddFieldsOnTop) {
  const std::string relayed =
      "Received: from a.example by b.example; Thu, 24 Dec 2026 08:00:01 +0000\r\n"
      "X-Filter: seen\r\n" +
      signed_message();
  EXPECT_EQ(verify_in(zone(), relayed).at(0).result, Result::pass);
}

TEST(DkimSign, SurvivesRefoldedFields) {
  std::string refolded = signed_message();
  refolded.replace(refolded.find("Subject: Hello"), 14, "SUBJECT:\r\n  Hello  ");
  EXPECT_EQ(verify_in(zone(), refolded).at(0).result, Result::pass);
}

TEST(DkimSign, ASecondFieldBreaksTheSignature) {
  for (const char* added :
       {"Subject: other\r\n", "From: eve@evil.example\r\n", "To: x@y.example\r\n", "Cc: x@y.example\r\n",
        "Reply-To: eve@evil.example\r\n", "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n", "MIME-Version: 1.0\r\n",
        "Content-Type: text/html\r\n", "List-Unsubscribe: <https://evil.example>\r\n",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"})
    EXPECT_EQ(verify_in(zone(), added + signed_message()).at(0).result, Result::fail) << added;
}

TEST(DkimSign, LeavesOutWhatRelaysChange) {
  const auto header = message::Header::parse("Received: x\r\nReturn-Path: <a@b.example>\r\nFrom: a@b.example\r\n\r\n");
  for (const std::string& field : signed_header_list(header)) {
    EXPECT_NE(field, "Received");
    EXPECT_NE(field, "Return-Path");
  }
  EXPECT_EQ(std::ranges::count(signed_header_list(header), "From"), 2);
}

// --- RFC 6376 6: each signature on its own

TEST(DkimVerify, TriesEverySignature) {
  std::string broken = signed_message();
  broken.replace(broken.find("s=r1"), 4, "s=r9");
  const std::string both = broken.substr(0, broken.find("From: Ann")) + signed_message();
  const auto results = verify_in(zone(), both);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].result, Result::permerror);
  EXPECT_EQ(results[1].result, Result::pass);
}

TEST(DkimVerify, LooksAtSixteenSignatures) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "DKIM-Signature: v=1; a=rsa-sha256\r\n";
  EXPECT_EQ(verify_in(zone(), many + kMessage).size(), signatures_max);
}

TEST(DkimVerify, DefaultsToSimpleSimple) {
  EXPECT_EQ(judged(kPlainTags).result, Result::pass);
  std::string with_space = hand_signed(kPlainTags);
  with_space.replace(with_space.find("Hello, Bob."), 11, "Hello, Bob. ");
  EXPECT_EQ(verify_in(zone(), with_space).at(0).result, Result::fail);
}

TEST(DkimVerify, TakesWhiteSpaceInsideTags) {
  EXPECT_EQ(judged("v=1;\r\n a = rsa-sha256 ; d=alpha.example;s=r1 ;h= From :\r\n  To-Absent : subject-absent").result,
            Result::pass);
  const std::string folded = "v=1; a=rsa-sha256; d=alpha.example; s=r1; unknown=1; h=From";
  EXPECT_EQ(judged(folded).result, Result::pass);
}

TEST(DkimVerify, RefusesBrokenTagLists) {
  for (const char* tags :
       {"v=1; a=rsa-sha256; d=alpha.example; d=alpha.example; s=r1; h=From",
        "a=rsa-sha256; d=alpha.example; s=r1; h=From", "v=2; a=rsa-sha256; d=alpha.example; s=r1; h=From",
        "v=1; a=rsa-md5; d=alpha.example; s=r1; h=From", "v=1; a=rsa-sha256; s=r1; h=From",
        "v=1; a=rsa-sha256; d=alpha.example; h=From", "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=To:Subject",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From; i=a@beta.example",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From; c=other/simple",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From; q=dns/spf",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From; l=abc",
        "v=1; a=rsa-sha256; d=alpha.example; s=r1; h=From; t=20; x=10",
        "v=1; a=rsa-sha256;; d=alpha.example; s=r1; h=From"}) {
    const auto result = judged(tags);
    EXPECT_EQ(result.result, Result::permerror) << tags;
    EXPECT_EQ(result.signature, Mathematics::unchecked);
    EXPECT_FALSE(result.reason.empty());
  }
}

TEST(DkimVerify, KeepsToTimes) {
  const std::string tags{kPlainTags};
  EXPECT_EQ(judged(tags + fmt::format("; x={}", kNow - 1000)).result, Result::fail);
  EXPECT_EQ(judged(tags + fmt::format("; x={}", kNow - 10)).result, Result::pass) << "within the skew";
  EXPECT_EQ(judged(tags + fmt::format("; t={}", kNow + 100)).result, Result::pass) << "within the skew";
  EXPECT_EQ(judged(tags + fmt::format("; t={}", kNow + 1'000'000)).result, Result::policy);
  const auto expired = judged(tags + fmt::format("; x={}", kNow - 1000));
  EXPECT_EQ(expired.signature, Mathematics::good) << "the mathematics is told apart";
}

TEST(DkimVerify, DoesNotCountPartialBodiesForDmarc) {
  const std::string appended = hand_signed(std::string{kPlainTags} + "; l=13") + "Buy pills!\r\n";
  const auto result = verify_in(zone(), appended).at(0);
  EXPECT_EQ(result.result, Result::pass) << result.reason;
  EXPECT_FALSE(result.counted_for_dmarc);
  EXPECT_EQ(judged(std::string{kPlainTags} + "; l=14").result, Result::fail) << "longer than the body";
}

TEST(DkimVerify, DoesNotCountASecondFromForDmarc) {
  const auto result = verify_in(zone(), "From: eve@evil.example\r\n" + hand_signed(kPlainTags)).at(0);
  EXPECT_EQ(result.result, Result::pass) << "h=From signs the lower one";
  EXPECT_FALSE(result.counted_for_dmarc);
}

TEST(DkimVerify, IgnoresFieldsWithSimilarNames) {
  EXPECT_TRUE(verify_in(zone(),
                        "X-Google-DKIM-Signature: v=1; a=rsa-sha256; d=1e100.net\r\n"
                        "DKIM2-Signature: i=1; d=x.example\r\nMessage-Instance: v=1\r\n" +
                            kMessage)
                  .empty());
}

// --- RFC 6376 3.6: keys

TEST(DkimKey, FlagsAreObeyed) {
  EXPECT_EQ(judged(kPlainTags, rsa_record("h=sha256; ")).result, Result::pass);
  EXPECT_EQ(judged(kPlainTags, rsa_record("h=sha1:sha256; ")).result, Result::pass);
  EXPECT_EQ(judged(kPlainTags, rsa_record("h=sha1; ")).result, Result::permerror);
  EXPECT_EQ(judged(kPlainTags, rsa_record("s=email; ")).result, Result::pass);
  EXPECT_EQ(judged(kPlainTags, rsa_record("s=tlsrpt; ")).result, Result::permerror);
  EXPECT_EQ(judged(kPlainTags, rsa_record("v=DKIM1; unknown=yes; ")).result, Result::pass);
  EXPECT_EQ(judged(kPlainTags, rsa_record("v=DKIM2; ")).result, Result::permerror);
  EXPECT_EQ(judged(kPlainTags, rsa_record("h=sha1; ")).signature, Mathematics::good);
  const std::string subdomain = std::string{kPlainTags} + "; i=ann@sub.alpha.example";
  EXPECT_EQ(judged(subdomain).result, Result::pass);
  EXPECT_EQ(judged(subdomain, rsa_record("t=s; ")).result, Result::permerror);
}

TEST(DkimKey, RevokedMissingAndUnanswered) {
  const auto revoked = judged(kPlainTags, "\"v=DKIM1; p=\"");
  EXPECT_EQ(revoked.result, Result::permerror);
  EXPECT_EQ(revoked.reason, "the key is revoked (p= is empty)");
  EXPECT_EQ(verify_in("other.example. A 192.0.2.1\n", hand_signed(kPlainTags)).at(0).result, Result::permerror);
  EXPECT_EQ(verify_in(";; servfail r1._domainkey.alpha.example TXT\n", hand_signed(kPlainTags)).at(0).result,
            Result::temperror);
  EXPECT_EQ(judged(kPlainTags, "\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"").result,
            Result::permerror)
      << "k= does not go with a=";
}

TEST(DkimKey, ATestingKeyIsNeverWorseThanNone) {
  EXPECT_EQ(judged(kPlainTags, rsa_record("t=y; ")).result, Result::pass);
  std::string changed = hand_signed(kPlainTags);
  changed.replace(changed.find("Hello, Bob."), 11, "Hello, Eve.");
  const auto result = verify_in(zone_with(rsa_record("t=y; ")), changed).at(0);
  EXPECT_EQ(result.result, Result::neutral);
  EXPECT_TRUE(result.testing);
}

TEST(DkimKey, OneUsableRecordAmongSeveral) {
  const std::string owner = "r1._domainkey.alpha.example. TXT ";
  const std::string good = owner + rsa_record() + "\n";
  EXPECT_EQ(verify_in(good + owner + "\"something else\"\n", hand_signed(kPlainTags)).at(0).result, Result::pass);
  EXPECT_EQ(verify_in(good + owner + rsa_record("v=DKIM1; ") + "\n", hand_signed(kPlainTags)).at(0).result,
            Result::permerror);
}

TEST(DkimKey, CnamesAreFollowed) {
  const std::string zone_text =
      "r1._domainkey.alpha.example. CNAME k.provider.example.\nk.provider.example. TXT " + rsa_record() + "\n";
  EXPECT_EQ(verify_in(zone_text, hand_signed(kPlainTags)).at(0).result, Result::pass);
}

TEST(DkimKey, WeakKeysAreRefusedWithTheirMathematics) {
  // A 512-bit key of the ARC vectors: it is read, and refused for its size.
  const auto result =
      judged(kPlainTags,
             "\"v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIWmlgix/84GJ+dfgjm7LTc9EPdfkftlgiPpCq4/"
             "kbDAZmU0VvYKDljjleJ1dfvS+CGy9U/kk1tG3EeEvb82xAcCAwEAAQ==\"");
  EXPECT_EQ(result.result, Result::permerror);
  EXPECT_EQ(result.key_bits, 512U);
  EXPECT_EQ(result.signature, Mathematics::bad);
}

TEST(DkimVerify, RsaSha1IsRefused) {
  const auto result = judged("v=1; a=rsa-sha1; d=alpha.example; s=r1; h=From");
  EXPECT_EQ(result.result, Result::permerror);
  EXPECT_EQ(result.body_hash, Mathematics::bad) << "bh= here is of sha256";
  EXPECT_NE(result.reason.find("rsa-sha1"), std::string::npos);
}

TEST(DkimVerify, ComparesULabelsAsALabels) {
  const std::string message = hand_signed("v=1; a=rsa-sha256; d=m\xc3\xbcller.example; s=r1; h=From");
  const std::string zone_text = "r1._domainkey.xn--mller-kva.example. TXT " + rsa_record() + "\n";
  const auto result = verify_in(zone_text, message).at(0);
  EXPECT_EQ(result.result, Result::pass) << result.reason;
  EXPECT_EQ(result.domain, "xn--mller-kva.example");
}

TEST(DkimVerify, ManyFieldsCostBoundedTime) {
  std::string message = "DKIM-Signature: " + std::string{kPlainTags};
  for (int i = 0; i < 900; ++i) message += ":x" + std::to_string(i % 7);
  message += "; bh=AAAA; b=AAAA\r\n";
  std::string all;
  for (int i = 0; i < 16; ++i) all += message;
  for (int i = 0; i < 9000; ++i) all += fmt::format("x{}: {}\r\n", i % 7, i);
  const auto results = verify_in(zone(), all + kMessage);
  EXPECT_EQ(results.size(), 16U);
}

TEST(DkimVerify, AnOverlongHeaderSectionIsNotHalfVerified) {
  std::string all = signed_message();
  std::string fields;
  while (fields.size() < 2 * MiB) fields += "X-Long: " + std::string(900, 'x') + "\r\n";
  all.insert(all.find("From: Ann"), fields);
  EXPECT_EQ(verify_in(zone(), all).at(0).result, Result::permerror);
}

// --- the records of our source documents

std::string ids(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.id + " ";
  return out;
}

TEST(SourceKeys, AHashListIsFineAPlaceholderIsNoKey) {
  const auto review = review_key_record("v=DKIM1; h=sha256; k=rsa; p=example");
  EXPECT_FALSE(review.valid);
  EXPECT_EQ(ids(review.findings), "dkim-key-syntax ");
}

TEST(SourceKeys, ACommaIsNoSemicolon) {
  const std::string p = codec::base64_encode(rsa_key().public_key().dkim_octets());
  const auto review = review_key_record("v=DKIM1, p=" + p);
  EXPECT_FALSE(review.valid);
  ASSERT_EQ(ids(review.findings), "separator-comma dkim-key-syntax ");
  EXPECT_EQ(review.findings[0].correction, "v=DKIM1; p=" + p);
  EXPECT_EQ(judged(kPlainTags, quoted("v=DKIM1, p=" + p)).result, Result::permerror);
}

TEST(SourceKeys, A1024BitKeyVerifiesAndIsWeak) {
  const std::string p = codec::base64_encode(crypto::PrivateKey::generate_rsa(1024)->public_key().dkim_octets());
  const auto review = review_key_record("v=DKIM1; k=rsa; p=" + p);
  EXPECT_TRUE(review.valid);
  EXPECT_EQ(ids(review.findings), "dkim-weak-key ");
}

TEST(DkimKey, From1024To4096BitsVerify) {
  for (const unsigned bits : {1024U, 4096U}) {
    const auto key = crypto::PrivateKey::generate_rsa(bits);
    ASSERT_TRUE(key) << bits;
    const std::string message = signed_with({{name("alpha.example"), name("r1"), *key}}, options(), kMessage);
    const std::string record = key_record_text(key->public_key());
    const auto result = verify_in(zone_with(quoted(record)), message).at(0);
    EXPECT_EQ(result.result, Result::pass) << bits << result.reason;
    EXPECT_EQ(result.key_bits, bits);
    const auto review = review_key_record(record);
    EXPECT_TRUE(review.valid);
    EXPECT_EQ(ids(review.findings), bits < 2048 ? "dkim-weak-key " : "") << bits;
  }
}

TEST(SourceKeys, RevokedTestingAndForeignForms) {
  EXPECT_EQ(ids(review_key_record("v=DKIM1; p=").findings), "dkim-revoked ");
  const std::string p = codec::base64_encode(rsa_key().public_key().dkim_octets());
  EXPECT_EQ(ids(review_key_record("v=DKIM1; t=y; p=" + p).findings), "dkim-testing ");
  EXPECT_EQ(ids(review_key_record("v=DKIM1; k=rsa; k=rsa; p=" + p).findings), "tag-duplicate dkim-key-syntax ");
  EXPECT_EQ(ids(review_key_record("v=DKIM1; zz=1; p=" + p).findings), "tag-unknown ");
  const auto split = review_key_record("v=DKIM1; p=" + p.substr(0, 100) + "\" \"" + p.substr(100));
  EXPECT_EQ(ids(split.findings), "dkim-string-split ");
  // RFC 8463 4: the raw key, not SubjectPublicKeyInfo.
  const std::string der = codec::base64_encode(ed25519_key().public_key().der());
  const auto wrapped = review_key_record("v=DKIM1; k=ed25519; p=" + der);
  EXPECT_FALSE(wrapped.valid);
  EXPECT_EQ(wrapped.findings.back().correction, key_record_text(ed25519_key().public_key()));
}

TEST(SourceSignatures, SamplesWithPlaceholdersAreErrorsAndNoCrash) {
  const auto sample = review_signature(
      " v=1; a=rsa-sha256; c=relaxed/relaxed; d=login.example; s=google;\r\n"
      " h=mime-version:from:date:message-id:subject:to; bh=BODY_HASH; b=SIGNATURE");
  EXPECT_FALSE(sample.valid);
  const auto stripped = review_signature("v=1; a=rsa-sha256; c=relaxed/relaxed;; s=google; h=from; bh=; b=");
  EXPECT_FALSE(stripped.valid);
  const auto few = review_signature(
      " v=1; a=rsa-sha256; d=example.com; s=news;\r\n h=from : to: subject; "
      "bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n"
      " MTI=; b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZ\r\n VoG4ZHRNiYzR");
  EXPECT_TRUE(few.valid);
  EXPECT_EQ(few.signature->canonicalizations, Canonicalizations{});
  EXPECT_EQ(few.signature->signed_headers, (std::vector<std::string>{"from", "to", "subject"}));
}

TEST(Dkim, AFoldedFieldWithoutAnEndIsCutInWhateverPiecesItComes) {
  const std::string fold = "\r\n " + std::string(900, 'y');
  for (const std::size_t piece_octets : {std::size_t{1000}, 64 * KiB, 3 * MiB}) {
    std::string message = signed_message().substr(0, signed_message().find("\r\n\r\n")) + "\r\nX-Long: y";
    while (message.size() < 2 * MiB) message += fold;
    message += "\r\n\r\nHello.\r\n";
    MessageScan scan;
    for (std::size_t at = 0; at < message.size(); at += piece_octets)
      scan.feed(Octets{message}.substr(at, piece_octets));
    scan.finish();
    EXPECT_TRUE(scan.header().overflowed());
    dns::ZoneFileResolver resolver{dns::Zone::parse(zone()).value()};
    const auto results = test_support::run_task(verify(scan, resolver, from_unix_seconds(kNow)));
    for (const VerifiedSignature& result : results) EXPECT_NE(result.result, Result::pass) << piece_octets;
  }
}

TEST(Dkim, TheCanonicalFormsAreWhatWasHashed) {
  for (const char* const forms : {"relaxed/relaxed", "simple/simple"}) {
    SigningOptions signing = options();
    signing.canonicalizations = *parse_canonicalizations(forms);
    MessageScan plain{{signing_body_hash(signing.canonicalizations.body)}};
    plain.feed(kMessage + "  spaced   out \r\n\r\n\r\n");
    plain.finish();
    const std::string message = sign(plain, ed25519_signer(), signing) + kMessage + "  spaced   out \r\n\r\n\r\n";
    MessageScan scan;
    scan.feed(message);
    scan.finish();
    const ScannedSignature& scanned = scan.signatures().at(0);
    const CanonicalForms found = canonical_forms(scan, scanned, message);
    const auto digest_of = [](Octets octets) {
      crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
      digest.update(octets);
      return digest.finish();
    };
    EXPECT_EQ(digest_of(found.body), scanned.parsed->body_hash) << forms;
    EXPECT_TRUE(ed25519_key().public_key().verify(crypto::SignatureHash::sha256, digest_of(found.header),
                                                  scanned.parsed->signature))
        << forms;
  }
}

/// A line that never ends is hashed as it comes: what the scan keeps does not grow with it.
// A gigabyte under POSTHORN_LONG.
TEST(Dkim, ALineWithoutEndIsHashedInPassing) {
  const std::uint64_t line_octets = std::getenv("POSTHORN_LONG") != nullptr ? GiB : 64 * MiB;
  const std::string piece(64 * KiB, 'x');
  const std::string header =
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; bh=AAAA; "
      "b=AAAA\r\nDKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=a.example; s=s; h=from; "
      "bh=AAAA; b=AAAA\r\nFrom: ann@a.example\r\n\r\n";
  MessageScan scan;
  scan.feed(header);
  for (std::uint64_t fed = 0; fed < line_octets; fed += piece.size()) scan.feed(piece);
  scan.finish();
  const auto* relaxed = scan.body_hash({Canonicalization::relaxed, crypto::SignatureHash::sha256, {}});
  const auto* simple = scan.body_hash({Canonicalization::simple, crypto::SignatureHash::sha256, {}});
  ASSERT_TRUE(relaxed != nullptr && simple != nullptr);
  EXPECT_EQ(relaxed->canonical_octets, line_octets + 2);
  EXPECT_EQ(relaxed->digest, simple->digest);
}

}  // namespace
}  // namespace posthorn::dkim
