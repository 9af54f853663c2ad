// What the probes' findings are named after; the probes themselves are shown in tests/interop/transport_test.py, over
// real HTTPS and against a real server.
#include <gtest/gtest.h>

#include "operations/inspection/mx_probe.h"
#include "operations/inspection/policy_probe.h"

namespace posthorn::inspection {
namespace {

std::string ids(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) out += (out.empty() ? "" : " ") + finding.id;
  return out;
}

PolicyFetch fetched(int status, std::string body = {}) {
  PolicyFetch fetch;
  fetch.host = "mta-sts.a.example";
  fetch.url = "https://mta-sts.a.example/.well-known/mta-sts.txt";
  fetch.status = status;
  fetch.content_type = "text/plain; charset=utf-8";
  fetch.body = std::move(body);
  if (status == 200) fetch.review = mta_sts::review_policy(fetch.body);
  return fetch;
}
PolicyFetch failed(https::FailureKind kind) {
  PolicyFetch fetch = fetched(0);
  fetch.failure = https::Failure{.kind = kind, .reason = "why"};
  return fetch;
}
constexpr const char* kPolicy = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n";

TEST(PolicyProbe, NamesWhatKeepsSendersFromThePolicy) {
  EXPECT_EQ(ids(findings_of(fetched(200, kPolicy))), "");
  EXPECT_EQ(ids(findings_of(fetched(404))), "sts-policy-unreachable");
  EXPECT_EQ(ids(findings_of(fetched(301))), "sts-policy-redirect");
  EXPECT_EQ(ids(findings_of(fetched(200, "<html>"))), "sts-policy-syntax");
  EXPECT_EQ(ids(findings_of(failed(https::FailureKind::certificate))), "sts-policy-certificate");
  for (const auto kind : {https::FailureKind::dns, https::FailureKind::connect, https::FailureKind::timeout,
                          https::FailureKind::too_large, https::FailureKind::tls, https::FailureKind::address})
    EXPECT_EQ(ids(findings_of(failed(kind))), "sts-policy-unreachable");
  PolicyFetch page = fetched(200, kPolicy);
  page.content_type = "text/html";
  EXPECT_EQ(ids(findings_of(page)), "sts-policy-syntax");
}

TEST(PolicyProbe, ComparesTheFileWithTheMxHosts) {
  PolicyProbe probe;
  probe.record.state = mta_sts::RecordState::found;
  probe.record.texts = {"v=STSv1; id=1;"};
  probe.fetch = fetched(200, kPolicy);
  EXPECT_EQ(ids(findings_of(probe, {"mx.a.example"})), "");
  EXPECT_EQ(ids(findings_of(probe, {"mx.a.example", "mx2.a.example"})), "sts-mx-missing");
  EXPECT_EQ(ids(findings_of(probe, {"other.example"})), "sts-mx-missing sts-mx-extra");
}

class MxFindings : public testing::Test {
 protected:
  MxFindings() {
    probe.host = *dns::Name::parse("mx.a.example");
    probe.addresses = {*IpAddress::parse("192.0.2.1")};
    visit.address = probe.addresses.front();
    visit.connected = visit.starttls = visit.encrypted = true;
    visit.certificate = CertificateVerdict{};
    visit.certificate->fits_name = true;
  }
  std::string found() {
    probe.probes = {visit};
    return ids(findings_of(probe));
  }
  MxProbe probe;
  AddressProbe visit;
};

TEST_F(MxFindings, NothingIsWrongWithAGoodHost) {
  EXPECT_EQ(found(), "");
}

TEST_F(MxFindings, CertificatesCountUnlessDaneVouches) {
  visit.certificate->expired = true;
  EXPECT_EQ(found(), "mx-certificate");
  visit.dane = dane::Verdict{.match = dane::Match::match, .usage = 3};
  EXPECT_EQ(found(), "") << "RFC 7671 5.1: the published key needs no CA";
  visit.dane->match = dane::Match::mismatch;
  EXPECT_EQ(found(), "mx-certificate tlsa-mismatch");
}

TEST_F(MxFindings, SilenceIsNoMissingStarttls) {
  visit = AddressProbe{};
  visit.problem = "no connection: timed out";
  EXPECT_EQ(found(), "");
  visit.refused = true;
  EXPECT_EQ(found(), "mx-no-starttls") << "who refuses connections offers no TLS either";
  visit.refused = false;
  visit.connected = true;
  visit.problem.clear();
  EXPECT_EQ(found(), "mx-no-starttls");
  visit.starttls = true;
  visit.problem = "the TLS handshake failed";
  EXPECT_EQ(found(), "mx-no-starttls");
}

class Silence : public MxFindings {
 protected:
  Silence() {
    visit = AddressProbe{};
    visit.address = *IpAddress::parse("9.1.2.3");
    visit.silent = true;
  }
  std::optional<SilentHost> judged() {
    probe.probes = {visit};
    return silence_of(probe, reached, 25);
  }
  Reached reached;
};

TEST_F(Silence, SaysBothThatItMayBeWhereNobodyElseHasAnswered) {
  const auto silent = judged();
  ASSERT_TRUE(silent);
  EXPECT_TRUE(silent->in_doubt);
  EXPECT_EQ(silent->finding.id, "mx-no-starttls");
  EXPECT_TRUE(silent->finding.reason.starts_with("nothing answers on port 25 of mx.a.example (9.1.2.3) within 12 s"))
      << silent->finding.reason;
  EXPECT_TRUE(silent->finding.reason.contains("if no other host on the Internet can be reached"));
  EXPECT_TRUE(silent->finding.correction.contains("nc -w 12 mx.a.example 25"));
}

TEST_F(Silence, IsTheHostsOwnWhereAnotherOfItsFamilyAnswers) {
  MxProbe other;
  AddressProbe answers;
  answers.address = *IpAddress::parse("2001:4860::1");
  answers.greeting = "220 hello";
  other.probes = {answers};
  reached.note(other);
  EXPECT_TRUE(judged()->in_doubt) << "IPv6 leads out, IPv4 may not";
  other.probes.front().address = *IpAddress::parse("9.9.9.9");
  reached.note(other);
  EXPECT_FALSE(judged()->in_doubt);
  EXPECT_FALSE(judged()->finding.reason.contains("provider"));
}

TEST_F(Silence, OfAPrivateAddressIsNeverTheProviders) {
  visit.address = *IpAddress::parse("127.0.0.1");
  EXPECT_FALSE(judged()->in_doubt);
  MxProbe near;
  near.probes = {visit};
  near.probes.front().greeting = "220 hello";
  reached.note(near);
  visit.address = *IpAddress::parse("9.1.2.3");
  EXPECT_TRUE(judged()->in_doubt) << "a host of our own network shows nothing of the way out";
}

TEST_F(Silence, IsAlsoAConnectionWithoutAGreeting) {
  visit.connected = true;
  const auto silent = judged();
  ASSERT_TRUE(silent);
  EXPECT_FALSE(silent->in_doubt) << "the port leads out";
  EXPECT_TRUE(silent->finding.reason.contains("takes the connection on port 25 and says nothing within 30 s"));
}

TEST_F(Silence, IsNoneWhereOneAddressAnswersOrRefusesOrNobodyAsked) {
  visit.greeting = "220 hello";
  EXPECT_FALSE(judged());
  visit.greeting.clear();
  visit.refused = true;
  EXPECT_FALSE(judged()) << "findings_of() tells it";
  visit.refused = visit.silent = false;
  visit.problem = "no connection: Network is unreachable";
  EXPECT_FALSE(judged()) << "not knowing is no finding";
}

TEST_F(MxFindings, NamesAndRecords) {
  probe.is_alias = probe.unsigned_tlsa = true;
  EXPECT_EQ(found(), "mx-cname tlsa-unsigned");
  probe = MxProbe{};
  probe.addresses_status = dns::Status::nx_domain;
  EXPECT_EQ(ids(findings_of(probe)), "mx-unresolvable");
  probe.addresses_status = dns::Status::servfail;
  EXPECT_EQ(ids(findings_of(probe)), "") << "not knowing is no finding";
}

}  // namespace
}  // namespace posthorn::inspection
