#include <gtest/gtest.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/dane/tlsa.h"
#include "standards/dane/verify.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"

namespace posthorn::dane {
namespace {

const TimePoint kNow = from_unix_seconds(1'795'305'600);  // 2026-11-22

// ---------------------------------------------------------------- the vectors of OpenSSL

struct Case {
  std::size_t line = 0;
  bool ee_names_unchecked = false;
  int wanted_error = 0;
  int wanted_depth = 0;
  std::vector<dns::Tlsa> records;
  std::string pem;
};

/// "<tlsa-count> <cert-count> <nonamechecks> <verify-result> <match-depth>", as many TLSA lines, as many certificates.
std::vector<Case> read_cases(std::string_view text) {
  std::vector<Case> out;
  std::size_t line_number = 0, certificates_left = 0, records_left = 0;
  for (const std::string_view raw : text::split(text, '\n')) {
    ++line_number;
    const std::string_view line = text::trim_lines(raw);
    const auto words = text::words(line);
    if (records_left > 0) {
      out.back().records.push_back(*parse_tlsa(line));
      --records_left;
    } else if (certificates_left > 0) {
      out.back().pem += fmt::format("{}\n", line);
      certificates_left -= static_cast<std::size_t>(line == "-----END CERTIFICATE-----");
    } else if (words.size() == 5 && text::is_digit(line.front())) {
      Case next;
      next.line = line_number;
      records_left = *text::parse_number(words[0]);
      certificates_left = *text::parse_number(words[1]);
      next.ee_names_unchecked = words[2] == "1";
      next.wanted_error = std::stoi(std::string(words[3]));
      next.wanted_depth = std::stoi(std::string(words[4]));
      out.push_back(std::move(next));
    }
  }
  return out;
}

bool uses(const Case& one, std::uint8_t from, std::uint8_t to) {
  return std::ranges::any_of(one.records, [&](const dns::Tlsa& r) { return r.usage >= from && r.usage <= to; });
}

TEST(DaneVectors, AreJudgedAsOpensslDoesWhereSmtpAllows) {
  POSTHORN_VECTORS_OR_SKIP(text, "dane/openssl/danetest.in");
  const std::vector<Case> cases = read_cases(text);
  ASSERT_EQ(cases.size(), 54U);
  std::size_t played = 0, unusable = 0;
  for (const Case& one : cases) {
    const auto chain = crypto::Certificate::from_pem(one.pem);
    ASSERT_TRUE(chain) << "line " << one.line << ": " << chain.error();
    const Verdict verdict = verify_chain(one.records, *chain, {"example.com"}, kNow);
    if (!uses(one, dane_ta, dane_ee)) {
      // RFC 7672 3.1.3: usages 0 and 1 are unusable, whatever OpenSSL makes of them.
      EXPECT_EQ(verdict.match, Match::unusable) << "line " << one.line;
      ++unusable;
      continue;
    }
    ++played;
    // The one case that asks for a name check with usage 3: RFC 7671 5.1 has none.
    const bool ee_with_name_check = one.wanted_error == 62 && uses(one, dane_ee, dane_ee);
    const Match wanted = one.wanted_error == 0 || ee_with_name_check ? Match::match : Match::mismatch;
    EXPECT_EQ(verdict.match, wanted) << "line " << one.line << ": " << verdict.reason;
    EXPECT_EQ(verdict.depth, one.wanted_depth) << "line " << one.line << ": " << verdict.reason;
    EXPECT_EQ(verdict.names_differ, one.wanted_error == 62 && !ee_with_name_check) << "line " << one.line;
  }
  EXPECT_EQ(played + unusable, 54U);
  EXPECT_EQ(unusable, 20U);
}

/// Leaf, issuer and root of the vectors, from the case at that line.
std::vector<crypto::Certificate> chain_of(const std::string& text, std::size_t line) {
  for (const Case& one : read_cases(text))
    if (one.line == line) return *crypto::Certificate::from_pem(one.pem);
  return {};
}
constexpr std::size_t kThreeCertificates = 627;

dns::Tlsa record_for(const crypto::Certificate& certificate, std::uint8_t usage, std::uint8_t selector,
                     std::uint8_t type) {
  const OctetString octets = selector == 0 ? certificate.der() : certificate.public_key_der();
  return {usage, selector, type, type == 0 ? octets : type == 1 ? crypto::sha256(octets) : crypto::sha512(octets)};
}

TEST(DaneVerify, TrustAnchorsAskForDatesAndNames) {
  POSTHORN_VECTORS_OR_SKIP(text, "dane/openssl/danetest.in");
  const auto chain = chain_of(text, kThreeCertificates);
  ASSERT_EQ(chain.size(), 3U);
  const std::vector<dns::Tlsa> root{record_for(chain[2], dane_ta, 1, 1)};
  EXPECT_EQ(verify_chain(root, chain, {"example.com"}, kNow).match, Match::match);
  EXPECT_EQ(verify_chain(root, chain, {"other.example", "example.com"}, kNow).match, Match::match);
  const Verdict other = verify_chain(root, chain, {"other.example"}, kNow);
  EXPECT_EQ(other.match, Match::mismatch);
  EXPECT_TRUE(other.names_differ);
  const Verdict early = verify_chain(root, chain, {"example.com"}, from_unix_seconds(1'000'000'000));
  EXPECT_EQ(early.match, Match::mismatch);
  EXPECT_TRUE(early.expired);
  // The server must send the anchor; a digest cannot stand for one that is not there.
  EXPECT_EQ(verify_chain(root, {chain[0], chain[1]}, {"example.com"}, kNow).match, Match::mismatch);
  // And an anchor beside a chain that it did not issue is none.
  EXPECT_EQ(verify_chain(root, {chain[0], chain[2]}, {"example.com"}, kNow).match, Match::mismatch);
}

TEST(DaneVerify, EndEntityRecordsAskForTheKeyAlone) {
  POSTHORN_VECTORS_OR_SKIP(text, "dane/openssl/danetest.in");
  const auto chain = chain_of(text, kThreeCertificates);
  ASSERT_EQ(chain.size(), 3U);
  const std::vector<dns::Tlsa> leaf{record_for(chain[0], dane_ee, 1, 1)};
  EXPECT_EQ(verify_chain(leaf, {chain[0]}, {"other.example"}, from_unix_seconds(1'000'000'000)).match, Match::match);
  // A usage 3 record is about the first certificate and no other.
  EXPECT_EQ(verify_chain({record_for(chain[1], dane_ee, 1, 1)}, chain, {"example.com"}, kNow).match, Match::mismatch);
  // And a usage 2 record never about the first.
  EXPECT_EQ(verify_chain({record_for(chain[0], dane_ta, 1, 1)}, chain, {"example.com"}, kNow).match, Match::mismatch);
  // It counts although the anchor published besides does not fit the name.
  const std::vector<dns::Tlsa> both{record_for(chain[2], dane_ta, 1, 1), leaf[0]};
  EXPECT_EQ(verify_chain(both, chain, {"other.example"}, kNow).usage, 3);
}

TEST(DaneVerify, RollOverNeedsOneRecordThatFits) {
  POSTHORN_VECTORS_OR_SKIP(text, "dane/openssl/danetest.in");
  const auto chain = chain_of(text, kThreeCertificates);
  dns::Tlsa next{dane_ee, 1, 1, crypto::sha256("the key to come")};
  EXPECT_EQ(verify_chain({next, record_for(chain[0], dane_ee, 1, 1)}, chain, {"example.com"}, kNow).match,
            Match::match);
  EXPECT_EQ(verify_chain({next}, chain, {"example.com"}, kNow).match, Match::mismatch);
  // RFC 7671 9: of two digests of one usage and selector the stronger counts.
  const dns::Tlsa stronger{dane_ee, 1, 2, crypto::sha512("the key to come")};
  EXPECT_EQ(verify_chain({record_for(chain[0], dane_ee, 1, 1), stronger}, chain, {"example.com"}, kNow).match,
            Match::mismatch);
}

TEST(DaneVerify, WithoutUsableRecordsNobodyIsAuthenticated) {
  POSTHORN_VECTORS_OR_SKIP(text, "dane/openssl/danetest.in");
  const auto chain = chain_of(text, kThreeCertificates);
  std::vector<dns::Tlsa> records{record_for(chain[0], pkix_ee, 1, 1),
                                 {dane_ee, 1, 9, "x"},
                                 {dane_ee, 1, 1, "short"},
                                 {dane_ta, 0, 0, "no certificate"}};
  EXPECT_EQ(verify_chain(records, chain, {"example.com"}, kNow).match, Match::unusable);
  records.push_back({dane_ee, 1, 1, crypto::sha256("another key")});
  EXPECT_EQ(verify_chain(records, chain, {"example.com"}, kNow).match, Match::mismatch);
  EXPECT_EQ(verify_chain_der({records.back()}, {"not a certificate"}, {"example.com"}, kNow).match, Match::mismatch);
  const dns::Tlsa octets{dane_ee, 0, 1, crypto::sha256("not a certificate")};
  EXPECT_EQ(verify_chain_der({octets}, {"not a certificate"}, {"example.com"}, kNow).match, Match::match);
  EXPECT_EQ(verify_chain_der({octets}, {}, {"example.com"}, kNow).match, Match::mismatch);
}

// ---------------------------------------------------------------- records

TEST(DaneTlsa, IsReadInAllItsForms) {
  const std::string digest(64, 'a');
  const dns::Tlsa wanted{3, 1, 1, *codec::hex_decode(digest)};
  EXPECT_EQ(parse_tlsa("3 1 1 " + digest), wanted);
  EXPECT_EQ(parse_tlsa("  3 1 1 " + digest.substr(32) + " " + digest.substr(32) + "\r\n"), wanted);
  EXPECT_EQ(parse_tlsa("_25._tcp.mx.example. 3600 IN TLSA 3 1 1 " + digest), wanted);
  EXPECT_EQ(text(wanted), "3 1 1 " + digest);
  for (const char* bad : {"", "3 1 1", "3 1 1 xyz", "3 1 1 abc", "256 1 1 aa", "a b c d", "mx.example. A 192.0.2.1"})
    EXPECT_FALSE(parse_tlsa(bad)) << bad;
  const auto file = parse_tlsa_file("; comment\n# another\n\n3 1 1 aa\n2 0 1 bb\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 2U);
  EXPECT_NE(parse_tlsa_file("3 1 1 aa\nnonsense\n").error().find("line 2"), std::string::npos);
}

// ---------------------------------------------------------------- lookup (RFC 7672 2.2)

TlsaLookup find(std::string_view zone, std::string_view host) {
  dns::ZoneFileResolver resolver{dns::Zone::parse(zone).value()};
  const auto name = *dns::Name::parse(host);
  const auto addresses = test_support::run_task(dns::lookup_addresses(resolver, name));
  return test_support::run_task(find_tlsa(resolver, name, addresses));
}

const std::string kZone = R"(
mx.signed.example. A 192.0.2.1
_25._tcp.mx.signed.example. TLSA 3 1 1 )" +
                          std::string(64, 'a') + R"(
none.signed.example. A 192.0.2.1
old.signed.example. A 192.0.2.1
_25._tcp.old.signed.example. TLSA 1 1 1 )" +
                          std::string(64, 'a') + R"(
broken.signed.example. A 192.0.2.1
bogus.signed.example. A 192.0.2.1
alias.signed.example. CNAME mx.signed.example.
out.signed.example. CNAME mx.plain.example.
_25._tcp.out.signed.example. TLSA 3 1 1 )" +
                          std::string(64, 'b') + R"(
away.signed.example. CNAME none.signed.example.
_25._tcp.away.signed.example. TLSA 3 1 1 )" +
                          std::string(64, 'c') + R"(
mx.plain.example. A 192.0.2.2
_25._tcp.mx.plain.example. TLSA 3 1 1 )" +
                          std::string(64, 'd') + R"(
;; servfail _25._tcp.broken.signed.example TLSA
;; bogus _25._tcp.bogus.signed.example TLSA
;; bogus forged.signed.example A
;; secure signed.example
)";

TEST(DaneLookup, AsksWhereTheAddressesAreSigned) {
  const TlsaLookup found = find(kZone, "mx.signed.example");
  EXPECT_EQ(found.state, TlsaState::usable);
  EXPECT_EQ(found.base.text(), "mx.signed.example");
  EXPECT_EQ(found.records.size(), 1U);
  EXPECT_EQ(find(kZone, "none.signed.example").state, TlsaState::absent);
  EXPECT_EQ(find(kZone, "old.signed.example").state, TlsaState::unusable);
}

TEST(DaneLookup, NeverAsksAnUnsignedHost) {
  const TlsaLookup plain = find(kZone, "mx.plain.example");
  EXPECT_EQ(plain.state, TlsaState::insecure);
  EXPECT_TRUE(plain.answers.empty());
}

TEST(DaneLookup, TakesNoFailureForAbsence) {
  EXPECT_EQ(find(kZone, "broken.signed.example").state, TlsaState::unavailable);
  EXPECT_EQ(find(kZone, "bogus.signed.example").state, TlsaState::unavailable);
  EXPECT_EQ(find(kZone, "forged.signed.example").state, TlsaState::unavailable);
}

TEST(DaneLookup, FollowsAliasesAsTheRfcSays) {
  // Signed all along: the name at the end comes first …
  const TlsaLookup alias = find(kZone, "alias.signed.example");
  EXPECT_EQ(alias.state, TlsaState::usable);
  EXPECT_EQ(alias.base.text(), "mx.signed.example");
  // … then the alias itself.
  const TlsaLookup away = find(kZone, "away.signed.example");
  EXPECT_EQ(away.state, TlsaState::usable);
  EXPECT_EQ(away.base.text(), "away.signed.example");
  // A signed alias that leads out of signed zones: its own records count, those at the end do not.
  const TlsaLookup out = find(kZone, "out.signed.example");
  EXPECT_EQ(out.state, TlsaState::usable);
  EXPECT_EQ(out.base.text(), "out.signed.example");
  EXPECT_EQ(out.records.front().association_data, *codec::hex_decode(std::string(64, 'b')));
}

}  // namespace
}  // namespace posthorn::dane
