#include <gtest/gtest.h>

#include "standards/dns/zone.h"
#include "standards/mta_sts/policy.h"
#include "standards/mta_sts/record.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"

namespace posthorn::mta_sts {
namespace {

bool has(const Findings& findings, std::string_view id) {
  return std::ranges::any_of(findings, [&](const Finding& f) { return f.id == id; });
}
std::string correction(const Findings& findings, std::string_view id) {
  const auto at = std::ranges::find(findings, id, &Finding::id);
  return at == findings.end() ? "none" : at->correction;
}

// ---------------------------------------------------------------- record

TEST(StsRecord, ReadsWhatTheGrammarAllows) {
  // RFC 8461 3.1: sts-text-record.
  for (const auto& [text, id] : std::vector<std::pair<std::string, std::string>>{
           {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
           {"v=STSv1;id=1", "1"},
           {"v=STSv1 ;\tid=a1 ; more=x", "a1"},
           {"v=STSv1; other=1; id=abc", "abc"},
           {"v=STSv1; id=0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
           {"v=STSv1; id=first; id=second", "first"}}) {
    const auto record = parse_record(text);
    ASSERT_TRUE(record) << text << ": " << record.error();
    EXPECT_EQ(record->id, id);
  }
}

TEST(StsRecord, RefusesEverythingElse) {
  for (const char* text :
       {"", "v=STSv1", "v=STSv1;", "v=STSv1;,", "v=STSv1; id=", "v=stsv1; id=1", "V=STSv1; id=1", " v=STSv1; id=1",
        "v=STSv1; id=a-b", "v=STSv1; id=2016_1", "v=STSv1; id=0123456789abcdef0123456789abcdef0", "v=STSv1; id",
        "v=STSv1;; id=1", "v=STSv1; id = 1", "v=STSv1, id=1", "id=1; v=STSv1", "v=STSv1; =x; id=1",
        "v=STSv1; id=1; a b=c", "v=STSv1; id=1 2"}) {
    EXPECT_FALSE(parse_record(text)) << text;
  }
}

TEST(StsRecord, ReviewNamesTheFaultAndMendsIt) {
  const RecordReview good = review_record("v=STSv1; id=1;");
  EXPECT_TRUE(good.valid);
  EXPECT_TRUE(good.findings.empty());

  const std::string sha(64, 'a');
  const RecordReview long_id = review_record("v=STSv1; id=" + sha + ";");
  EXPECT_FALSE(long_id.valid);
  EXPECT_EQ(correction(long_id.findings, "sts-txt-syntax"), "v=STSv1; id=" + sha.substr(0, 32) + ";");

  const RecordReview comma = review_record("v=STSv1, id=2026");
  EXPECT_TRUE(has(comma.findings, "separator-comma"));
  EXPECT_EQ(correction(comma.findings, "separator-comma"), "v=STSv1; id=2026;");

  const RecordReview quotes = review_record("\u201cv=STSv1; id=2026\u201d");
  EXPECT_FALSE(quotes.valid);
  EXPECT_TRUE(has(quotes.findings, "quotes-typographic"));
  EXPECT_EQ(correction(quotes.findings, "sts-txt-syntax"), "v=STSv1; id=2026;");

  EXPECT_TRUE(has(review_record("v=STSv1; id=1; id=2").findings, "tag-duplicate"));
  EXPECT_TRUE(has(review_record("v=STSv1; id=1; foo=bar").findings, "tag-unknown"));
  EXPECT_EQ(correction(review_record("v=stsv1; id=2026-11-22").findings, "sts-txt-syntax"), "v=STSv1; id=20261122;");
}

RecordLookup find(std::string_view zone, std::string_view domain) {
  auto parsed = dns::Zone::parse(zone);
  EXPECT_TRUE(parsed);
  dns::ZoneFileResolver resolver(std::move(*parsed));
  return test_support::run_task(find_record(resolver, *dns::Name::parse(domain)));
}

TEST(StsRecord, IsFoundAtTheDomainOnlyAndThroughAliases) {
  constexpr std::string_view zone = R"(
_mta-sts.one.example. TXT "v=STSv1; id=1;"
_mta-sts.two.example. TXT "v=STSv1; id=1;"
_mta-sts.two.example. TXT "v=STSv1; id=2;"
_mta-sts.noise.example. TXT "some verification"
_mta-sts.noise.example. TXT "v=STSv1; " "id=9;"
_mta-sts.alias.example. CNAME _mta-sts.one.example.
_mta-sts.bad.example. TXT "v=STSv1; id=not-ok;"
;; servfail _mta-sts.broken.example TXT
;; timeout _mta-sts.slow.example TXT
)";
  EXPECT_EQ(find(zone, "one.example").record.id, "1");
  EXPECT_EQ(find(zone, "alias.example").record.id, "1");
  EXPECT_EQ(find(zone, "noise.example").record.id, "9");
  EXPECT_EQ(find(zone, "two.example").state, RecordState::several);
  EXPECT_EQ(find(zone, "bad.example").state, RecordState::invalid);
  // RFC 8461 3.1 says nothing of parents: a subdomain has its own policy or none.
  EXPECT_EQ(find(zone, "mail.one.example").state, RecordState::absent);
  EXPECT_EQ(find(zone, "broken.example").state, RecordState::unavailable);
  EXPECT_EQ(find(zone, "slow.example").state, RecordState::unavailable);

  const auto name = *dns::Name::parse("two.example");
  EXPECT_TRUE(has(findings_of(find(zone, "two.example"), name), "sts-txt-multiple"));
  EXPECT_TRUE(has(findings_of(find(zone, "none.example"), name), "sts-missing"));
  EXPECT_TRUE(has(findings_of(find(zone, "bad.example"), name), "sts-txt-syntax"));
  EXPECT_TRUE(findings_of(find(zone, "one.example"), name).empty());
}

// ---------------------------------------------------------------- policy

constexpr std::string_view kPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

TEST(StsPolicy, ReadsTheExampleOfTheRfc) {
  const auto policy = parse_policy(kPolicy);
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->mode, Mode::enforce);
  EXPECT_EQ(policy->max_age_seconds, 604800U);
  ASSERT_EQ(policy->mx.size(), 2U);
  EXPECT_EQ(policy->mx[1].text(), "*.example.net");
  EXPECT_EQ(policy_text(*policy), kPolicy);
}

TEST(StsPolicy, ReadsTheVectors) {
  for (const char* file :
       {"mta-sts/rfc8461-draft-examples/01.txt", "mta-sts/rfc8461-draft-examples/policy-inline.txt"}) {
    POSTHORN_VECTORS_OR_SKIP(text, file);
    const auto policy = parse_policy(text);
    ASSERT_TRUE(policy) << file << ": " << policy.error().text();
    EXPECT_EQ(policy->mx.size(), 3U);
  }
  POSTHORN_VECTORS_OR_SKIP(record, "mta-sts/rfc8461-draft-examples/00.txt");
  EXPECT_EQ(find(record, "example.com").record.id, "20160831085700Z");
}

TEST(StsPolicy, IgnoresWhatItDoesNotKnowAndTakesTheFirstOfDuplicates) {
  const auto policy = parse_policy(
      "x-more: anything at all\nmax_age:86400 \nmode: testing\nmode: enforce\nmax_age: 1\n"
      "mx: a.example\nversion: STSv1\nmx:   B.example\n\n");
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->mode, Mode::testing);
  EXPECT_EQ(policy->max_age_seconds, 86400U);
  ASSERT_EQ(policy->mx.size(), 2U);
  EXPECT_EQ(policy->mx[1].domain, "b.example");
}

TEST(StsPolicy, NoneNeedsNoMx) {
  EXPECT_TRUE(parse_policy("version: STSv1\nmode: none\nmax_age: 86400"));
  EXPECT_EQ(parse_policy("version: STSv1\nmode: testing\nmax_age: 86400").error().fault, PolicyFault::mx_missing);
}

TEST(StsPolicy, SaysWhatIsWrong) {
  const auto fault = [](std::string_view text) {
    const auto policy = parse_policy(text);
    return policy ? std::string("valid") : std::to_string(static_cast<int>(policy.error().fault));
  };
  const auto is = [](PolicyFault f) { return std::to_string(static_cast<int>(f)); };
  EXPECT_EQ(fault("mode: none\nmax_age: 1\n"), is(PolicyFault::version));
  EXPECT_EQ(fault("version: STSv2\nmode: none\nmax_age: 1\n"), is(PolicyFault::version));
  EXPECT_EQ(fault("version: STSv1\nmax_age: 1\n"), is(PolicyFault::mode_missing));
  EXPECT_EQ(fault("version: STSv1\nmode: training\nmax_age: 1\n"), is(PolicyFault::mode_unknown));
  EXPECT_EQ(fault("version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n"), is(PolicyFault::mode_unknown));
  EXPECT_EQ(fault("version: STSv1\nmode: none\n"), is(PolicyFault::max_age));
  EXPECT_EQ(fault("version: STSv1\nmode: none\nmax_age: 1d\n"), is(PolicyFault::max_age));
  EXPECT_EQ(fault("version: STSv1\nmode: none\nmax_age: -1\n"), is(PolicyFault::max_age));
  EXPECT_EQ(fault("version: STSv1\nmode: none\nmax_age: 31557601\n"), is(PolicyFault::max_age));
  EXPECT_EQ(fault("version: STSv1\nmode: none\nmax_age: 31557600\n"), "valid");
  for (const char* mx : {"192.0.2.1", "[192.0.2.1]", "2001:db8::1", "", "*", "*.", "https://a.example",
                         "m\xc3\xbc.example", "a..example", "*.*.example", "mail.*.example", "a.example b.example"})
    EXPECT_EQ(fault(fmt::format("version: STSv1\nmode: enforce\nmx: {}\nmax_age: 1\n", mx)), is(PolicyFault::mx_syntax))
        << mx;
  EXPECT_EQ(fault("<!DOCTYPE html><html>"), is(PolicyFault::syntax));
  EXPECT_EQ(fault("version: STSv1\nnonsense\nmode: none\nmax_age: 1\n"), is(PolicyFault::syntax));
  EXPECT_EQ(fault(std::string(policy_octets_max + 1, 'a')), is(PolicyFault::too_large));
}

TEST(StsPolicy, WildcardIsExactlyOneLabel) {
  const auto wild = MxPattern::parse("*.example.com");
  ASSERT_TRUE(wild);
  EXPECT_TRUE(wild->matches("mx1.example.com"));
  EXPECT_TRUE(wild->matches("MX1.Example.COM."));
  EXPECT_FALSE(wild->matches("example.com"));
  EXPECT_FALSE(wild->matches("a.b.example.com"));
  EXPECT_FALSE(wild->matches(".example.com"));
  EXPECT_FALSE(wild->matches("mx1.example.com.evil.net"));
  EXPECT_FALSE(MxPattern::parse("example.com")->matches("mx.example.com"));
}

TEST(StsPolicy, GuessesTheModeThatWasMeant) {
  for (const auto& [word, meant] : std::vector<std::pair<std::string, std::string>>{{"training", "testing"},
                                                                                    {"enfoce", "enforce"},
                                                                                    {"enforced", "enforce"},
                                                                                    {"Enforce", "enforce"},
                                                                                    {"test", "testing"},
                                                                                    {"non", "none"},
                                                                                    {"off", "none"},
                                                                                    {"quarantine", ""},
                                                                                    {"", ""}})
    EXPECT_EQ(did_you_mean(word), meant) << word;
  const PolicyReview review = review_policy("version: STSv1\nmode: enfoce\nmx: a.example\nmax_age: 86400\n");
  EXPECT_FALSE(review.valid);
  EXPECT_EQ(correction(review.findings, "sts-mode-unknown"),
            "version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 86400\r\n");
  EXPECT_TRUE(parse_policy(correction(review.findings, "sts-mode-unknown")));
}

TEST(StsPolicy, ReviewFindsAShortAgeOnlyWhereItMatters) {
  EXPECT_TRUE(has(review_policy("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86399\n").findings,
                  "sts-max-age-short"));
  EXPECT_FALSE(has(review_policy("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\n").findings,
                   "sts-max-age-short"));
  EXPECT_FALSE(has(review_policy("version: STSv1\nmode: none\nmax_age: 60\n").findings, "sts-max-age-short"));
  EXPECT_TRUE(has(review_policy("version: STSv1\nmode: enforce\nmax_age: 86400\n").findings, "sts-policy-syntax"));
}

TEST(StsPolicy, IsComparedWithTheMxRecords) {
  const auto policy = parse_policy(kPolicy);
  ASSERT_TRUE(policy);
  EXPECT_TRUE(compare_with_mx(*policy, {"mail.example.com", "a.example.net"}).empty());
  const Findings missing = compare_with_mx(*policy, {"mail.example.com", "a.example.net", "new.example.org"});
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing.front().id, "sts-mx-missing");
  EXPECT_TRUE(parse_policy(missing.front().correction)->match("new.example.org") != nullptr);
  const Findings extra = compare_with_mx(*policy, {"mail.example.com"});
  ASSERT_EQ(extra.size(), 1U);
  EXPECT_EQ(extra.front().id, "sts-mx-extra");
}

TEST(StsPolicy, IdIsTheFirstHalfOfTheHash) {
  // SHA-256 of the empty string, FIPS 180-4.
  EXPECT_EQ(policy_id(""), "e3b0c44298fc1c149afbf4c8996fb924");
  EXPECT_TRUE(parse_record(record_text({policy_id(kPolicy)})));
}

}  // namespace
}  // namespace posthorn::mta_sts
