// ACME against an authority that the test plays (certificates_bed.h); what goes wrong on its side is said, waited
// for and tried again.
#include "operations/certificates/expiry.h"
#include "operations/test_support/certificates_bed.h"

namespace posthorn::certificates {
namespace {

using testing::HasSubstr;

TEST_F(CertificatesTest, IssuesWhatIsMissingAndLeavesNoTokenBehind) {
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(changes, 1);
  ASSERT_EQ(certificates->issued().size(), 1u);
  EXPECT_EQ(certificates->issued()[0].names, wanted[0].names);
  EXPECT_FALSE(tokens.find("/.well-known/acme-challenge/to-ken_1"));
  const int before = authority.requests;
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(authority.requests, before) << "an authority is not asked for what is there";
}

TEST_F(CertificatesTest, SurvivesARestartWithItsAccount) {
  look();
  reopen();
  EXPECT_EQ(certificates->issued().size(), 1u);
  EXPECT_EQ(look(), 0u);
  wanted.push_back({{"mta-sts.alpha.example"}, false});
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.accounts, 1) << "a new account where there was one";
}

TEST_F(CertificatesTest, RenewsInTheLastThirdWithTheSameKey) {
  look();
  const std::string key = authority.last_public_key;
  clock.advance(std::chrono::days(59));
  EXPECT_EQ(look(), 0u);
  clock.advance(std::chrono::days(2));
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.last_public_key, key) << "a TLSA record of the key would be false from now on";
  EXPECT_EQ(certificates->issued().size(), 1u);
}

TEST_F(CertificatesTest, ANewNameAsksForANewCertificate) {
  look();
  wanted[0].names.push_back("pop.alpha.example");
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.last_names.size(), 3u);
}

TEST_F(CertificatesTest, FailuresWaitLongerEachTime) {
  authority.down = true;
  EXPECT_EQ(look(), 0u);
  int before = authority.requests;
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(authority.requests, before);
  clock.advance(retry_first);
  look();
  EXPECT_GT(authority.requests, before);
  before = authority.requests;
  clock.advance(retry_first);
  look();
  EXPECT_EQ(authority.requests, before);
  clock.advance(retry_first);
  authority.down = false;
  EXPECT_EQ(look(), 1u);
}

TEST_F(CertificatesTest, OneNameThatFailsDoesNotHoldBackTheOthers) {
  wanted.insert(wanted.begin(), Want{{"mta-sts.beta.example"}, false});
  authority.refuse_proofs = true;
  EXPECT_EQ(look(), 0u);
  authority.refuse_proofs = false;
  wanted.erase(wanted.begin());
  clock.advance(retry_first);
  EXPECT_EQ(look(), 1u);
}

TEST_F(CertificatesTest, RefusedProofsAreToldInTheAuthoritysWords) {
  authority.refuse_proofs = true;
  AcmeClient client(authority, clock, prover, kDirectory, {crypto::EcKey::generate(), {}});
  const auto refused = run(client.issue({"mx.alpha.example"}, crypto::EcKey::generate()));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("no such page"));
  EXPECT_FALSE(tokens.find("/.well-known/acme-challenge/to-ken_1"));
}

TEST_F(CertificatesTest, NoncesThatTheAuthorityDoesNotLikeAreReplaced) {
  authority.bad_nonces = 3;
  EXPECT_EQ(look(), 1u);
  AcmeClient client(authority, clock, prover, kDirectory, {crypto::EcKey::generate(), {}});
  authority.bad_nonces = 100;
  EXPECT_FALSE(run(client.issue({"mx.alpha.example"}, crypto::EcKey::generate()))) << "it asks for ever";
}

TEST_F(CertificatesTest, KeysAreSealed) {
  look();
  look();
  const auto rows = storage::testing::ask(*store, [](storage::Reader& reader) {
    auto all = reader.keys("tls");
    for (auto& row : reader.keys("acme")) all.push_back(row);
    return all;
  });
  ASSERT_EQ(rows.size(), 3u) << "the account's, the present and the next";
  for (const storage::KeyRow& row : rows) {
    EXPECT_THAT(row.sealed, testing::Not(HasSubstr("PRIVATE KEY")));
    EXPECT_THAT(row.facts, testing::Not(HasSubstr("PRIVATE KEY")));
  }
}

TEST(Jws, ThumbprintAndBase64UrlAsTheStandardsWriteThem) {
  EXPECT_EQ(base64url(std::string("\x03\xec\xff\xe0\xc1", 5)), "A-z_4ME");  // RFC 7515 A.1
  EXPECT_EQ(base64url(""), "");
  const auto key = crypto::EcKey::generate();
  EXPECT_EQ(thumbprint(key).size(), 43u);
  EXPECT_EQ(thumbprint(*crypto::EcKey::from_pem(key.pem())), thumbprint(key));
  EXPECT_EQ(key_authorization("abc", key), "abc." + thumbprint(key));
}

TEST(Expiry, IsToldForWhatIsInUse) {
  const auto facts = [](std::string name, Duration since, Duration left) {
    net::CertificateFacts read;
    read.names = {std::move(name)};
    read.not_before = kStart - since;
    read.not_after = kStart + left;
    return read;
  };
  EXPECT_TRUE(endings({facts("a", 70 * 24h, 20 * 24h)}, kStart).empty());
  EXPECT_EQ(endings({facts("a", 76 * 24h, 14 * 24h)}, kStart).size(), 1u);
  EXPECT_TRUE(endings({facts("a", 8 * 365 * 24h, 22 * 24h)}, kStart).empty());
  EXPECT_TRUE(endings({facts("a", 0s, 90 * 24h), facts("a", 90 * 24h, 0s)}, kStart).empty())
      << "another one is shown for its name";
  const auto over = endings({facts("b", 0s, 90 * 24h), facts("a", 90 * 24h, 0s)}, kStart);
  ASSERT_EQ(over.size(), 1u);
  EXPECT_TRUE(over[0].is_over);
  EXPECT_EQ(over[0].name, "a");
}

TEST(Expiry, IsAMetricAndALineOfTheLogOnceADay) {
  const runtime::VirtualClock clock(kStart);
  std::string lines;
  runtime::Metrics metrics;
  ExpiryWatch watch(metrics, runtime::Logger(
                                 clock, [&lines](std::string_view line) { lines += line; }, runtime::LogLevel::info,
                                 runtime::LogFormat::logfmt));
  net::CertificateFacts facts;
  facts.names = {"mx.alpha.example"};
  facts.not_before = kStart - 89 * 24h;
  facts.not_after = kStart + 24h;
  const std::vector<net::CertificateFacts> in_use{facts};
  watch.look(in_use, kStart);
  watch.look(in_use, kStart + 1h);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 1);
  watch.look(in_use, kStart + 25h);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
  EXPECT_THAT(lines, HasSubstr("a certificate has ended"));
  EXPECT_THAT(metrics.exposition(), HasSubstr("posthorn_certificates_ending 1"));
  EXPECT_THAT(metrics.exposition(),
              HasSubstr("posthorn_certificate_not_after_seconds{name=\"mx.alpha.example\"} 1800086400"));
}

TEST(Renewal, WithAThirdOfItsLifeLeft) {
  EXPECT_EQ(renewal_time(kStart, kStart + 90 * 24h), kStart + 60 * 24h);
  EXPECT_EQ(renewal_time(kStart, kStart + 6 * 24h), kStart + 4 * 24h);
}

}  // namespace
}  // namespace posthorn::certificates
