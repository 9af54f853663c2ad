#include <gtest/gtest.h>
#include <zlib.h>

#include "foundation/codec/base64.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"
#include "standards/tls_rpt/record.h"
#include "standards/tls_rpt/report.h"

namespace posthorn::tls_rpt {
namespace {

bool has(const Findings& findings, std::string_view id) {
  return std::ranges::any_of(findings, [&](const Finding& f) { return f.id == id; });
}

TEST(TlsRptRecord, ReadsTheExamplesOfTheRfc) {
  // RFC 8460 3.1.1, 3.1.2.
  EXPECT_EQ(parse_record("v=TLSRPTv1;rua=mailto:reports@example.com")->rua.front(), "mailto:reports@example.com");
  EXPECT_EQ(parse_record("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt")->rua.size(), 1U);
  const auto two = parse_record("v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->rua, (std::vector<std::string>{"mailto:tls.reports@gsa.gov", "mailto:tls-reports@login.gov"}));
  EXPECT_TRUE(parse_record("v=TLSRPTv1 ; rua=mailto:a@b.example , https://c.example/x ; ext=1;"));
  EXPECT_EQ(parse_record("v=TLSRPTv1;rua=mailto:a@b.example;rua=mailto:c@d.example")->rua.size(), 2U);
  EXPECT_TRUE(parse_record("v=TLSRPTv1;rua=mailto:%22a%2Cb%22@c.example"));
}

TEST(TlsRptRecord, RefusesEverythingElse) {
  for (const char* text :
       {"", "v=TLSRPTv1", "v=TLSRPTv1;", "v=TLSRPTv1;,", "v=TLSRPTv1;rua=", "v=tlsrptv1;rua=mailto:a@b.example",
        " v=TLSRPTv1;rua=mailto:a@b.example", "v=TLSRPTv1;rua=a@b.example", "v=TLSRPTv1;rua=http://c.example/",
        "v=TLSRPTv1;rua=mailto:nobody", "v=TLSRPTv1;rua=https://", "v=TLSRPTv1;rua=mailto:a%zz@b.example",
        "v=TLSRPTv1 rua=mailto:a@b.example", "v=TLSRPTv1;ext=1", "v=TLSRPTv1;rua=mailto:a b@c.example"})
    EXPECT_FALSE(parse_record(text)) << text;
}

TEST(TlsRptRecord, ReviewNamesTheFaultAndMendsIt) {
  EXPECT_TRUE(review_record("v=TLSRPTv1; rua=mailto:a@b.example").findings.empty());
  const RecordReview bare = review_record("v=TLSRPTv1; rua=a@b.example");
  EXPECT_FALSE(bare.valid);
  ASSERT_TRUE(has(bare.findings, "tlsrpt-syntax"));
  EXPECT_EQ(bare.findings.back().correction, "v=TLSRPTv1; rua=mailto:a@b.example");
  const RecordReview half = review_record("v=TLSRPTv1; rua=mailto:a@b.example,ftp://c.example");
  EXPECT_TRUE(half.valid);
  EXPECT_TRUE(has(half.findings, "tlsrpt-syntax"));
  EXPECT_TRUE(has(review_record("v=TLSRPTv1,rua=mailto:a@b.example").findings, "separator-comma"));
  EXPECT_TRUE(has(review_record("\u201cv=TLSRPTv1; rua=mailto:a@b.example\u201d").findings, "quotes-typographic"));
  EXPECT_TRUE(has(review_record("v=TLSRPTv1;,").findings, "tlsrpt-syntax"));
}

TEST(TlsRptRecord, IsOneOrNone) {
  auto zone = dns::Zone::parse(R"(
_smtp._tls.one.example. TXT "v=TLSRPTv1;rua=mailto:a@b.example"
_smtp._tls.one.example. TXT "other"
_smtp._tls.two.example. TXT "v=TLSRPTv1;rua=mailto:a@b.example"
_smtp._tls.two.example. TXT "v=TLSRPTv1;rua=mailto:c@b.example"
;; servfail _smtp._tls.broken.example TXT
)");
  ASSERT_TRUE(zone);
  dns::ZoneFileResolver resolver(std::move(*zone));
  const auto find = [&](std::string_view domain) {
    return test_support::run_task(find_record(resolver, *dns::Name::parse(domain)));
  };
  EXPECT_EQ(find("one.example").state, RecordState::found);
  EXPECT_EQ(find("two.example").state, RecordState::several);
  EXPECT_EQ(find("none.example").state, RecordState::absent);
  EXPECT_EQ(find("broken.example").state, RecordState::unavailable);
  EXPECT_TRUE(has(findings_of(find("two.example"), *dns::Name::parse("two.example")), "tlsrpt-multiple"));
  EXPECT_TRUE(has(findings_of(find("none.example"), *dns::Name::parse("none.example")), "tlsrpt-missing"));
}

// ---------------------------------------------------------------- reports

TEST(TlsRptReport, ReadsTheExampleOfTheRfc) {
  POSTHORN_VECTORS_OR_SKIP(text, "tlsrpt/rfc8460/rfc8460.json");
  const auto report = parse_report(text);
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->organization_name, "Company-X");
  EXPECT_EQ(rfc3339(report->start), "2016-04-01T00:00:00Z");
  EXPECT_EQ(rfc3339(report->end), "2016-04-01T23:59:59Z");
  ASSERT_EQ(report->policies.size(), 1U);
  const PolicyReport& policy = report->policies.front();
  EXPECT_EQ(policy.policy_type, "sts");
  EXPECT_EQ(policy.policy_string.size(), 4U);
  EXPECT_EQ(policy.mx_host, std::vector<std::string>{"*.mail.company-y.example"});
  EXPECT_EQ(policy.successful_sessions, 5326U);
  EXPECT_EQ(policy.failed_sessions, 303U);
  ASSERT_EQ(policy.failures.size(), 3U);
  EXPECT_EQ(policy.failures[1].failed_session_count, 200U);
  EXPECT_EQ(policy.failures[2].failure_reason_code, "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED");
  const auto again = parse_report(write_report(*report));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again, *report);
}

std::string gunzip(std::string octets) {
  std::string out(64 * 1024, '\0');
  z_stream stream{};
  constexpr int gzip_window_bits = 15 + 16;
  inflateInit2(&stream, gzip_window_bits);
  stream.next_in = reinterpret_cast<Bytef*>(octets.data());
  stream.avail_in = static_cast<uInt>(octets.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(TlsRptReport, ReadsAReportFromTheWorld) {
  POSTHORN_VECTORS_OR_SKIP(mail, "tlsrpt/mox/example.eml");
  const auto part = mail.find("Content-Type: application/tlsrpt+gzip");
  ASSERT_NE(part, std::string::npos);
  const auto body = mail.find_first_not_of("\r\n", mail.find("base64", part) + 6);
  const auto begin = mail.find("H4sI", std::min(body, part));  // gzip's first octets in base64
  const auto report =
      parse_report(gunzip(codec::base64_decode_lenient(mail.substr(begin, mail.find("--", begin) - begin))));
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->organization_name, "Google Inc.");
  EXPECT_EQ(report->policies.front().policy_domain, "test.xmox.nl");
}

TEST(TlsRptReport, IsLenientWithShapesAndStrictWithBounds) {
  const auto lenient = parse_report(R"({"date-range":{"start-datetime":"2026-11-21T00:00:00.000+01:00",
    "end-datetime":"2026-11-21T23:59:59Z"},"policies":{"policy":{"policy-type":"tlsa","policy-domain":"a.example",
    "mx-host-pattern":["a","b"]},"summary":{"total-successful-session-count":"7","total-failure-session-count":-3}}})");
  ASSERT_TRUE(lenient) << lenient.error();
  EXPECT_EQ(rfc3339(lenient->start), "2026-11-20T23:00:00Z");
  EXPECT_EQ(lenient->policies.front().successful_sessions, 7U);
  EXPECT_EQ(lenient->policies.front().failed_sessions, 0U);
  EXPECT_EQ(lenient->policies.front().mx_host.size(), 2U);
  for (
      const char* text :
      {"", "[]", "{}", R"({"policies":[]})", "{\"policies\":[{}]}",
       R"({"date-range":{"start-datetime":"yesterday","end-datetime":"x"},"policies":[{}]})",
       R"({"date-range":{"start-datetime":"2026-13-01T00:00:00Z","end-datetime":"2026-11-21T23:59:59Z"},"policies":[{}]})"})
    EXPECT_FALSE(parse_report(text)) << text;
  EXPECT_FALSE(parse_report(std::string(100, '[')));
}

TEST(TlsRptReport, KnowsTheWordsOfTheRfc) {
  // RFC 8460 4.3.
  for (const char* word : {"starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
                           "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid",
                           "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}) {
    const auto type = parse_result_type(word);
    ASSERT_TRUE(type) << word;
    EXPECT_EQ(text(*type), word);
  }
  EXPECT_FALSE(parse_result_type("other"));
  EXPECT_EQ(text(*parse_policy_type("no-policy-found")), "no-policy-found");
}

}  // namespace
}  // namespace posthorn::tls_rpt
