// RFC 9989: records, the tree walk, alignment and the verdict, trap by trap; and the records of our sources.
#include <gtest/gtest.h>

#include "standards/dmarc/evaluate.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace posthorn::dmarc {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::parse(text).value();
}

/// Counts and keeps the questions asked of a zone.
class Recorder final : public dns::Resolver {
 public:
  explicit Recorder(std::string_view zone) : zone_(dns::Zone::parse(zone).value()) {}
  Task<dns::Answer> resolve(dns::Name question, dns::RecordType type) override {
    questions.push_back(question.text());
    return zone_.resolve(std::move(question), type);
  }
  std::vector<std::string> questions;

 private:
  dns::ZoneFileResolver zone_;
};

std::string at(std::string_view domain, std::string_view record) {
  return fmt::format("_dmarc.{}. TXT \"{}\"\n", domain, record);
}

Walk walk(std::string_view zone, std::string_view domain) {
  Recorder resolver{zone};
  return test_support::run_task(tree_walk(resolver, name(domain)));
}
std::string organization(std::string_view zone, std::string_view domain) {
  return walk(zone, domain).organizational_domain.text();
}

/// What SPF and DKIM found, in short: "spf=D" passed for D, "dkim=D" likewise, "spf?D" and "dkim?D" temperror.
struct Evidence {
  spf::Outcome spf;
  std::vector<dkim::VerifiedSignature> dkim;
};
Evidence evidence(std::initializer_list<std::string_view> facts) {
  Evidence out;
  for (const std::string_view fact : facts) {
    const auto mark = fact.find_first_of("=?");
    const bool passed = fact[mark] == '=';
    const std::string domain{fact.substr(mark + 1)};
    if (fact.starts_with("spf")) {
      out.spf.domain = domain;
      out.spf.result = passed ? spf::Result::pass : spf::Result::temperror;
      continue;
    }
    dkim::VerifiedSignature signature;
    signature.domain = domain;
    signature.result = passed ? dkim::Result::pass : dkim::Result::temperror;
    signature.counted_for_dmarc = passed;
    out.dkim.push_back(signature);
  }
  return out;
}

Outcome judge(std::string_view zone, std::string_view from, std::initializer_list<std::string_view> facts) {
  Recorder resolver{zone};
  const auto header = message::Header::parse(fmt::format("From: {}\r\n\r\n", from));
  const Evidence found = evidence(facts);
  return test_support::run_task(evaluate(resolver, header, found.spf, found.dkim));
}

// --- RFC 9989 4.7, 4.8: records

TEST(DmarcRecord, BeginsWithItsVersion) {
  for (const char* text : {"v=DMARC1;p=none", "v=DMARC1 ; p=none", "v = DMARC1; p=none", "v=DMARC1"})
    EXPECT_TRUE(is_dmarc_record(text)) << text;
  for (const char* text : {"v=dmarc1; p=none", "V=DMARC1; p=none", "v=DMARC12; p=none", "p=none; v=DMARC1", " v=DMARC1",
                           "v=DMARC1, p=none", "", "v=spf1 -all"})
    EXPECT_FALSE(is_dmarc_record(text)) << text;
}

TEST(DmarcRecord, OrderIsFreeAndOddTagsAreIgnored) {
  const auto record = parse_record("v=DMARC1; rua=mailto:a@b.example; x=1; ;,; p=Reject; nonsense; adkim=x; aspf=s");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->p, Policy::reject);
  EXPECT_EQ(record->adkim, AlignmentMode::relaxed);
  EXPECT_EQ(record->aspf, AlignmentMode::strict);
}

TEST(DmarcRecord, WithoutAPolicyOnlyAReportAddressSavesIt) {
  EXPECT_TRUE(parse_record("v=DMARC1;rua=mailto:a@b.example")->acts_as_none);
  EXPECT_TRUE(parse_record("v=DMARC1")->unusable);
  EXPECT_TRUE(parse_record("v=DMARC1; p=rejekt")->unusable);
  EXPECT_TRUE(parse_record("v=DMARC1; p=reject; sp=all")->unusable);
  EXPECT_TRUE(parse_record("v=DMARC1; p=reject; np=all; rua=mailto:a@b.example")->acts_as_none);
  EXPECT_TRUE(parse_record("v=DMARC1; p=bad; rua=nonsense")->unusable);
  EXPECT_EQ(parse_record("v=DMARC1; p=reject; np=all; rua=mailto:a@b.example")->p, Policy::none);
}

TEST(DmarcRecord, ReadsReportAddresses) {
  const auto record = parse_record("v=DMARC1; p=none; rua=mailto:a@B.example!10m, https://x.example/r,mailto:,bad");
  ASSERT_EQ(record->rua.size(), 2U);
  EXPECT_EQ(record->rua[0], (ReportUri{"mailto:a@B.example", "b.example"}));
  EXPECT_EQ(record->rua[1].domain, "");
}

TEST(DmarcRecord, WritesWhatItReads) {
  const std::string text =
      "v=DMARC1; p=reject; sp=none; np=quarantine; adkim=s; aspf=s; psd=n; t=y; "
      "rua=mailto:a@b.example,mailto:c@d.example; ruf=mailto:e@f.example; fo=1";
  EXPECT_EQ(record_text(*parse_record(text)), text);
}

// --- RFC 9989 4.10: the walk

TEST(DmarcWalk, AsksEightNamesAtMost) {
  Recorder resolver{"x.example. A 192.0.2.1\n"};
  (void)test_support::run_task(tree_walk(resolver, name("a.b.c.d.e.f.g.h.i.j.mail.example.com")));
  EXPECT_EQ(resolver.questions,
            (std::vector<std::string>{"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com", "_dmarc.g.h.i.j.mail.example.com",
                                      "_dmarc.h.i.j.mail.example.com", "_dmarc.i.j.mail.example.com",
                                      "_dmarc.j.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com",
                                      "_dmarc.com"}));
}

TEST(DmarcWalk, JumpsOnlyFromMoreThanEightLabels) {
  EXPECT_EQ(walk_names(name("a.b.c.d.e.f.g")).size(), 7U);
  EXPECT_EQ(walk_names(name("a.b.c.d.e.f.g.h")).size(), 8U);
  EXPECT_EQ(walk_names(name("a.b.c.d.e.f.g.h.i")).size(), 8U);
  EXPECT_EQ(walk_names(name("a.b.c.d.e.f.g.h"))[1].text(), "b.c.d.e.f.g.h");
  EXPECT_EQ(walk_names(name("a.b.c.d.e.f.g.h.i"))[1].text(), "c.d.e.f.g.h.i");
}

TEST(DmarcWalk, CollectsEveryRecord) {
  const std::string zone = at("mail.example.com", "v=DMARC1; p=none") + at("example.com", "v=DMARC1; p=reject");
  EXPECT_EQ(organization(zone, "mail.example.com"), "example.com");
  EXPECT_EQ(organization(zone, "a.mail.example.com"), "example.com");
  EXPECT_EQ(organization(at("mail.example.com", "v=DMARC1; p=none"), "a.mail.example.com"), "mail.example.com");
}

TEST(DmarcWalk, WithoutRecordsTheStartIsItsOwnOrganization) {
  EXPECT_EQ(organization("x.example. A 192.0.2.1\n", "blog.hosted.example"), "blog.hosted.example");
}

TEST(DmarcWalk, ObeysPsd) {
  const std::string below = at("example.com", "v=DMARC1; p=none") + at("a.example.com", "v=DMARC1; p=none; psd=n");
  EXPECT_EQ(organization(below, "x.a.example.com"), "a.example.com");
  EXPECT_EQ(walk(below, "x.a.example.com").steps.size(), 2U) << "psd=n ends the walk";
  const std::string suffix = at("gov", "v=DMARC1; p=reject; psd=y");
  EXPECT_EQ(organization(suffix, "mail.agency.gov"), "agency.gov");
  EXPECT_EQ(organization(suffix, "gov"), "gov") << "psd=y at the start";
  EXPECT_EQ(organization(at("example.com", "v=DMARC1; p=none; psd=u"), "a.example.com"), "example.com");
}

TEST(DmarcWalk, SeveralRecordsAtANameAreNone) {
  const std::string two = at("example.com", "v=DMARC1; p=none") + at("example.com", "v=DMARC1; p=reject");
  EXPECT_EQ(organization(two, "a.example.com"), "a.example.com");
  const std::string beside = at("example.com", "v=spf1 -all") + at("example.com", "v=DMARC1; p=reject");
  EXPECT_EQ(organization(beside, "a.example.com"), "example.com");
}

// --- RFC 9989 4.4, 4.10.1: the author's domain and the policy

TEST(DmarcAuthor, IsExactlyOneDomain) {
  const auto author = [](std::string_view text) { return author_domain(message::Header::parse(text)); };
  EXPECT_EQ(author("From: \"b@bank.example\" <a@X.example>\r\n\r\n")->text(), "x.example");
  EXPECT_EQ(author("From: a@m\xc3\xbcller.example\r\n\r\n")->text(), "xn--mller-kva.example");
  EXPECT_EQ(author("From: a@x.example, b@x.example\r\n\r\n")->text(), "x.example");
  for (const char* text : {"From: a@x.example, b@y.example\r\n\r\n", "Sender: a@x.example\r\n\r\n",
                           "From: a@x.example\r\nFrom: a@x.example\r\n\r\n", "From: nobody\r\n\r\n",
                           "From: a@[192.0.2.1]\r\n\r\n", "From: \r\n\r\n"})
    EXPECT_FALSE(author(text)) << text;
  EXPECT_EQ(judge(at("x.example", "v=DMARC1; p=reject"), "a@x.example, b@y.example", {"spf=x.example"}).result,
            Result::permerror);
}

TEST(DmarcPolicy, OwnThenOrganizationThenSuffix) {
  const std::string org = at("example.com", "v=DMARC1; p=reject; sp=quarantine");
  EXPECT_EQ(judge(org, "a@example.com", {}).policy, Policy::reject);
  EXPECT_EQ(judge(org + "b.example.com. A 192.0.2.1\n", "a@b.example.com", {}).policy, Policy::quarantine);
  EXPECT_EQ(judge(org + at("b.example.com", "v=DMARC1; p=none; sp=reject"), "a@b.example.com", {}).policy, Policy::none)
      << "the author domain's own p";
  const auto suffix = judge(at("gov", "v=DMARC1; p=none; sp=reject; psd=y"), "a@agency.gov", {});
  EXPECT_EQ(suffix.policy, Policy::reject);
  EXPECT_EQ(suffix.policy_domain, "gov");
  EXPECT_EQ(suffix.organizational_domain, "agency.gov");
  EXPECT_EQ(judge("x.example. A 192.0.2.1\n", "a@example.com", {}).result, Result::none);
}

TEST(DmarcPolicy, SpIsReadFromTheOrganizationOnly) {
  const std::string zone = at("example.com", "v=DMARC1; p=reject") + at("b.example.com", "v=DMARC1; p=none; sp=none");
  EXPECT_EQ(judge(zone + "c.b.example.com. A 192.0.2.1\n", "a@c.b.example.com", {}).policy, Policy::reject);
}

TEST(DmarcPolicy, NpIsForNamesThatDoNotExist) {
  const std::string zone = at("example.com", "v=DMARC1; p=none; sp=quarantine; np=reject") +
                           "txt.example.com. TXT \"only\"\nleaf.empty.example.com. A 192.0.2.1\n";
  EXPECT_EQ(judge(zone, "a@ghost.example.com", {}).policy, Policy::reject);
  EXPECT_EQ(judge(zone, "a@ghost.example.com", {}).policy_tag, "np");
  EXPECT_EQ(judge(zone, "a@txt.example.com", {}).policy, Policy::quarantine) << "any type makes it exist";
  EXPECT_EQ(judge(zone, "a@empty.example.com", {}).policy, Policy::quarantine) << "empty non-terminals exist";
  EXPECT_EQ(judge(at("example.com", "v=DMARC1; p=reject"), "a@ghost.example.com", {}).policy, Policy::reject);
}

TEST(DmarcPolicy, RemovedTagsDoNothing) {
  const auto outcome = judge(at("example.com", "v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600"), "a@example.com", {});
  EXPECT_EQ(outcome.disposition, Policy::reject);
}

TEST(DmarcPolicy, TestModeStepsDown) {
  const auto outcome = judge(at("example.com", "v=DMARC1; p=reject; t=y"), "a@example.com", {});
  EXPECT_EQ(outcome.result, Result::fail);
  EXPECT_EQ(outcome.policy, Policy::reject);
  EXPECT_EQ(outcome.disposition, Policy::quarantine);
  EXPECT_TRUE(outcome.policy_test_mode);
  EXPECT_EQ(judge(at("example.com", "v=DMARC1; p=quarantine; t=y"), "a@example.com", {}).disposition, Policy::none);
}

TEST(DmarcPolicy, AnUnusableRecordEndsTheMatter) {
  const std::string zone = at("b.example.com", "v=DMARC1; p=bad") + at("example.com", "v=DMARC1; p=reject");
  EXPECT_EQ(judge(zone, "a@b.example.com", {}).result, Result::none);
}

// --- RFC 9989 4.4, 5.3: alignment and verdict

TEST(DmarcAlignment, OneAlignedPassIsEnough) {
  const std::string zone = at("example.com", "v=DMARC1; p=reject");
  const auto outcome = judge(zone, "a@example.com", {"spf=other.example", "dkim=example.com"});
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_TRUE(outcome.dkim_aligned);
  EXPECT_FALSE(outcome.spf_aligned);
  EXPECT_EQ(outcome.disposition, Policy::none);
  EXPECT_EQ(judge(zone, "a@example.com", {"spf=bounce.example.com"}).result, Result::pass);
  EXPECT_EQ(judge(zone, "a@b.example.com", {"dkim=c.example.com"}).result, Result::pass);
  EXPECT_EQ(judge(zone, "a@example.com", {"spf=other.example", "dkim=other.example"}).result, Result::fail);
}

TEST(DmarcAlignment, StrictIsEqual) {
  const std::string zone = at("example.com", "v=DMARC1; p=reject; adkim=s; aspf=s");
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim=mail.example.com"}).result, Result::fail);
  EXPECT_EQ(judge(zone, "a@example.com", {"spf=mail.example.com"}).result, Result::fail);
  EXPECT_EQ(judge(zone, "a@example.com", {"spf=example.com"}).result, Result::pass);
}

TEST(DmarcAlignment, WalksEachDomainOnItsOwn) {
  // sub declares itself an organization of its own: a signature of the parent no longer aligns with it.
  const std::string zone = at("example.com", "v=DMARC1; p=reject") + at("sub.example.com", "v=DMARC1; p=reject; psd=n");
  EXPECT_EQ(judge(zone, "a@sub.example.com", {"dkim=example.com"}).result, Result::fail);
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim=sub.example.com"}).result, Result::fail);
  EXPECT_EQ(judge(zone, "a@sub.example.com", {"dkim=x.sub.example.com"}).result, Result::pass);
}

TEST(DmarcAlignment, OutagesAreTemporary) {
  const std::string zone = at("example.com", "v=DMARC1; p=reject");
  EXPECT_EQ(judge(";; timeout _dmarc.example.com TXT\n", "a@example.com", {}).result, Result::temperror);
  const std::string broken_above = zone + ";; servfail _dmarc.com TXT\n";
  EXPECT_EQ(judge(broken_above, "a@example.com", {"dkim=example.com"}).result, Result::pass) << "equal needs no walk";
  EXPECT_EQ(judge(broken_above, "a@example.com", {"dkim=b.example.com"}).result, Result::temperror);
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim?example.com"}).result, Result::temperror);
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim?other.example"}).result, Result::fail) << "it could not have helped";
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim?example.com", "spf=example.com"}).result, Result::pass);
  EXPECT_EQ(judge(zone, "a@example.com", {"dkim?example.com"}).disposition, Policy::none);
}

TEST(DmarcAlignment, PartialBodySignaturesAreNotCounted) {
  Recorder resolver{at("example.com", "v=DMARC1; p=reject")};
  Evidence found = evidence({"dkim=example.com"});
  found.dkim[0].counted_for_dmarc = false;  // l=, or a second From
  const auto header = message::Header::parse("From: a@example.com\r\n\r\n");
  EXPECT_EQ(test_support::run_task(evaluate(resolver, header, found.spf, found.dkim)).result, Result::fail);
}

// --- the records of our source documents

std::string ids(const RecordReview& review) {
  std::string out;
  for (const Finding& finding : review.findings) out += finding.id + " ";
  return out;
}

TEST(SourcePolicies, OldTagsAreNamedAndRewritten) {
  const auto review = review_record(
      "v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:a@example.com,mailto:b@example.net; "
      "ruf=mailto:c@example.com");
  EXPECT_TRUE(review.valid);
  ASSERT_EQ(ids(review), "dmarc-removed-tag dmarc-removed-tag ");
  EXPECT_EQ(review.findings[0].correction,
            "v=DMARC1; p=reject; rua=mailto:a@example.com,mailto:b@example.net; ruf=mailto:c@example.com; fo=1");
}

TEST(SourcePolicies, StrippedOfItsValuesItStillRejects) {
  const auto review = review_record("v=DMARC1; p=reject; pct=100; fo=1; ri=3600;,; rua=; ruf=");
  EXPECT_TRUE(review.valid);
  EXPECT_EQ(review.record.p, Policy::reject);
  EXPECT_TRUE(review.record.rua.empty());
}

TEST(SourcePolicies, WithoutSpaces) {
  const auto review = review_record("v=DMARC1;p=reject;sp=reject;rua=mailto:dmarc-rua@dmarc.service.gov.uk");
  EXPECT_TRUE(review.valid);
  EXPECT_EQ(review.record.sp, Policy::reject);
  EXPECT_EQ(ids(review), "");
}

TEST(SourcePolicies, StrictWithASubdomainForReports) {
  const auto review = review_record(
      "v=DMARC1; p=reject; rua=mailto:admin@mail.example.com; ruf=mailto:admin@mail.example.com; adkim=s; aspf=s");
  EXPECT_TRUE(review.valid);
  EXPECT_EQ(review.record.adkim, AlignmentMode::strict);
  EXPECT_EQ(ids(review), "");
}

TEST(SourcePolicies, FaultsAreNamed) {
  EXPECT_EQ(ids(review_record("v=DMARC1, p=reject, rua=mailto:a@b.example")), "separator-comma dmarc-syntax ");
  EXPECT_EQ(ids(review_record("\xe2\x80\x9cv=DMARC1; p=none; rua=mailto:a@b.example\xe2\x80\x9d")),
            "quotes-typographic dmarc-syntax ");
  EXPECT_EQ(ids(review_record("v=DMARC1; p=none")), "dmarc-none dmarc-no-rua ");
  EXPECT_EQ(ids(review_record("v=DMARC1; p=reject; p=none; rua=mailto:a@b.example")), "tag-duplicate ");
  EXPECT_EQ(ids(review_record("v=DMARC1; p=reject; x=1; rua=mailto:a@b.example")), "tag-unknown ");
  const auto no_policy = review_record("v=DMARC1; rua=mailto:a@b.example");
  EXPECT_TRUE(no_policy.valid) << "it acts as p=none";
  EXPECT_EQ(ids(no_policy), "dmarc-syntax ");
  EXPECT_FALSE(review_record("v=DMARC1; p=bogus").valid);
}

}  // namespace
}  // namespace posthorn::dmarc
