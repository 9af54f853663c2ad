// RFC 7208 trap by trap (the openspf suites stand in openspf_suite_test.cpp), and the records of our sources.
#include <gtest/gtest.h>

#include "standards/dns/zone.h"
#include "standards/spf/check_host.h"
#include "standards/spf/record.h"
#include "standards/test_support/run_task.h"

namespace posthorn::spf {
namespace {

Outcome check(std::string_view zone, std::string_view ip, std::string mail_from, std::string helo = "mx.example.net") {
  dns::ZoneFileResolver resolver{dns::Zone::parse(zone).value()};
  Query query;
  query.ip = IpAddress::parse(ip).value();
  query.mail_from = std::move(mail_from);
  query.helo = std::move(helo);
  query.receiver = "receiver.example";
  return test_support::run_task(check_mail_from(resolver, query));
}

/// Writes down what is asked ahead of its time.
class Foresight final : public dns::Resolver {
 public:
  explicit Foresight(std::string_view zone) : zone_(dns::Zone::parse(zone).value()) {}
  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    return zone_.resolve(std::move(name), type);
  }
  void begin(const dns::Name& name, dns::RecordType type) override {
    ahead.push_back(fmt::format("{} {}", name.text(), dns::text(type)));
  }
  std::vector<std::string> ahead;

 private:
  dns::ZoneFileResolver zone_;
};

std::vector<std::string> asked_ahead(std::string_view zone) {
  Foresight resolver{zone};
  Query query;
  query.ip = IpAddress::parse("192.0.2.1").value();
  query.mail_from = "ann@example.com";
  static_cast<void>(test_support::run_task(check_mail_from(resolver, query)));
  return resolver.ahead;
}

/// "example.com" with this record.
std::string with_record(std::string_view record) {
  return fmt::format("example.com. TXT \"{}\"\n", record);
}

TEST(CheckHost, AsksForTxtOnly) {
  const Outcome outcome = check("example.com. SPF \"v=spf1 +all\"\n", "192.0.2.1", "a@example.com");
  EXPECT_EQ(outcome.result, Result::none);
}

TEST(CheckHost, JoinsStringsWithoutSpace) {
  const std::string zone = "example.com. TXT \"v=spf1 ip4:192.0.2\" \".1 -all\"\n";
  EXPECT_EQ(check(zone, "192.0.2.1", "a@example.com").result, Result::pass);
  EXPECT_EQ(check(zone, "192.0.2.2", "a@example.com").result, Result::fail);
}

TEST(CheckHost, SelectsTheRecordByItsExactVersion) {
  EXPECT_EQ(check(with_record("v=spf10 +all"), "192.0.2.1", "a@example.com").result, Result::none);
  EXPECT_EQ(check(with_record("v=spf1 +all") + with_record("v=spf1 -all"), "192.0.2.1", "a@example.com").result,
            Result::permerror);
  EXPECT_EQ(check(with_record("V=SPF1 +all") + with_record("something else"), "192.0.2.1", "a@example.com").result,
            Result::pass);
}

/// A record with `count` includes, each of a record that matches nothing.
std::string with_includes(int count) {
  std::string record = "v=spf1";
  std::string zone;
  for (int i = 0; i < count; ++i) {
    record += fmt::format(" include:i{}.example", i);
    zone += fmt::format("i{}.example. TXT \"v=spf1 ip4:203.0.113.1 -all\"\n", i);
  }
  return zone + with_record(record + " +all");
}

TEST(CheckHost, BeginsTheQuestionsOfARecordTogether) {
  EXPECT_EQ(
      asked_ahead(with_record("v=spf1 include:b.example a mx:c.example ptr exists:%{l}.d.example "
                              "a:%{p}.d.example redirect=e.example")),
      (std::vector<std::string>{"b.example TXT", "example.com A", "c.example MX", "ann.d.example A", "e.example TXT"}))
      << "ptr and what needs it are asked for when their turn comes";
}

TEST(CheckHost, BeginsNoQuestionBehindATermThatMatchesWithoutOne) {
  EXPECT_EQ(asked_ahead(with_record("v=spf1 a:b.example ip4:192.0.2.0/24 include:c.example -all")),
            std::vector<std::string>{"b.example A"});
}

TEST(CheckHost, BeginsNoMoreQuestionsThanTheLimitLeaves) {
  EXPECT_EQ(asked_ahead(with_includes(12)).size(), 10U);
}

TEST(CheckHost, CountsTenTermsThatAskTheDns) {
  const Outcome ten = check(with_includes(10), "192.0.2.1", "a@example.com");
  EXPECT_EQ(ten.result, Result::pass);
  EXPECT_EQ(ten.lookups, 10U);
  const Outcome eleven = check(with_includes(11), "192.0.2.1", "a@example.com");
  EXPECT_EQ(eleven.result, Result::permerror);
  EXPECT_EQ(eleven.problem, "more than 10 terms ask the DNS");
}

TEST(CheckHost, CountsNestedTermsTogether) {
  // 1 include + 5, 1 include + 4: eleven in all.
  const std::string zone =
      with_record("v=spf1 include:a.example include:b.example -all") +
      "a.example. TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example a:h.example -all\"\n"
      "b.example. TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example -all\"\n"
      "h.example. A 203.0.113.9\n";
  EXPECT_EQ(check(zone, "192.0.2.1", "a@example.com").result, Result::permerror);
}

TEST(CheckHost, CountsADualStackNameOnce) {
  // Each name has neither A nor AAAA: one void lookup a term, not two.
  const std::string zone = with_record("v=spf1 a:x.example a:y.example +all") + "x.example. MX 10 m.example.\n";
  const Outcome outcome = check(zone, "2001:db8::1", "a@example.com");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.void_lookups, 2U);
}

TEST(CheckHost, StopsAtTheThirdVoidLookup) {
  const std::string record = "v=spf1 a:x.example a:y.example exists:z.example +all";
  EXPECT_EQ(check(with_record(record), "192.0.2.1", "a@example.com").result, Result::permerror);
}

TEST(CheckHost, StopsAtTheEleventhMxName) {
  for (const int count : {10, 11}) {
    std::string zone = with_record("v=spf1 mx -all") + "h.example. A 192.0.2.1\n";
    for (int i = 1; i < count; ++i) zone += fmt::format("example.com. MX {} n{}.example.\n", i, i);
    zone += "example.com. MX 99 h.example.\n";
    EXPECT_EQ(check(zone, "192.0.2.1", "a@example.com").result, count == 10 ? Result::pass : Result::permerror);
  }
}

TEST(CheckHost, TurnsTheResultOfAnInclude) {
  const auto include = [](std::string_view included) {
    std::string zone = with_record("v=spf1 include:i.example ~all");
    if (!included.empty()) zone += fmt::format("i.example. TXT \"{}\"\n", included);
    return check(zone, "192.0.2.1", "a@example.com").result;
  };
  EXPECT_EQ(include("v=spf1 +all"), Result::pass);
  EXPECT_EQ(include("v=spf1 -all"), Result::softfail);
  EXPECT_EQ(include("v=spf1 ~all"), Result::softfail);
  EXPECT_EQ(include("v=spf1 ?all"), Result::softfail);
  EXPECT_EQ(include(""), Result::permerror);
  EXPECT_EQ(include("v=spf1 nonsense"), Result::permerror);
  EXPECT_EQ(check(with_record("v=spf1 include:i.example ~all") + ";; timeout i.example\n", "192.0.2.1", "a@example.com")
                .result,
            Result::temperror);
}

TEST(CheckHost, RedirectsOnlyWithoutAll) {
  const std::string target = "r.example. TXT \"v=spf1 +all\"\n";
  EXPECT_EQ(check(with_record("v=spf1 redirect=r.example") + target, "192.0.2.1", "a@example.com").result,
            Result::pass);
  EXPECT_EQ(check(with_record("v=spf1 redirect=r.example -all") + target, "192.0.2.1", "a@example.com").result,
            Result::fail);
  EXPECT_EQ(check(with_record("v=spf1 redirect=r.example"), "192.0.2.1", "a@example.com").result, Result::permerror);
}

TEST(CheckHost, ExpandsDToTheDomainBeingEvaluated) {
  // In the redirect's target %{d} is the target; %{o} stays the sender's domain.
  const std::string zone = with_record("v=spf1 redirect=r.example") +
                           "r.example. TXT \"v=spf1 exists:%{l}.%{o}.%{d} -all\"\n"
                           "bob.example.com.r.example. A 127.0.0.2\n";
  EXPECT_EQ(check(zone, "192.0.2.1", "bob@example.com").result, Result::pass);
}

TEST(CheckHost, ExpandsTheExamplesOfRfc7208Section74) {
  struct Example {
    const char* ip;
    const char* spec;
    const char* name;
  };
  // For strong-bad@email.example.com.
  for (const Example& example : std::initializer_list<Example>{
           {"192.0.2.3", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
           {"192.0.2.3", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
           {"192.0.2.3", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
           {"192.0.2.3", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
           {"192.0.2.3", "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
           {"2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}",
            "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"}}) {
    const std::string zone =
        fmt::format("email.example.com. TXT \"v=spf1 exists:{} -all\"\n{}. A 127.0.0.2\n", example.spec, example.name);
    EXPECT_EQ(check(zone, example.ip, "strong-bad@email.example.com").result, Result::pass) << example.spec;
  }
}

TEST(CheckHost, TakesHostBitsAndDottedTails) {
  // From our source documents: the network is 1080::8:800:0:0/96.
  const std::string zone = with_record("v=spf1 ip6:1080::8:800:68.0.3.1/96 -all");
  EXPECT_EQ(check(zone, "1080::8:800:1:2", "a@example.com").result, Result::pass);
  EXPECT_EQ(check(zone, "1080::8:801:1:2", "a@example.com").result, Result::fail);
  EXPECT_EQ(check(with_record("v=spf1 ip4:203.0.113.9/0 -all"), "192.0.2.1", "a@example.com").result, Result::pass);
}

TEST(CheckHost, ChecksPostmasterAtHeloForTheNullSender) {
  const std::string zone = "mx.example.net. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";
  const Outcome outcome = check(zone, "192.0.2.1", "");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.domain, "mx.example.net");
  EXPECT_EQ(outcome.sender, "postmaster@mx.example.net");
  EXPECT_EQ(check(zone, "192.0.2.1", "", "[192.0.2.1]").result, Result::none);
}

TEST(CheckHost, ChecksTheHeloIdentity) {
  dns::ZoneFileResolver resolver{dns::Zone::parse("mx.example.net. TXT \"v=spf1 -all\"\n").value()};
  Query query;
  query.ip = IpAddress::parse("192.0.2.1").value();
  query.mail_from = "a@example.com";
  query.helo = "mx.example.net";
  const Outcome outcome = test_support::run_task(check_helo(resolver, query));
  EXPECT_EQ(outcome.result, Result::fail);
  EXPECT_EQ(outcome.identity, Identity::helo);
}

TEST(CheckHost, TakesMappedAddressesAsIpv4) {
  EXPECT_EQ(check(with_record("v=spf1 ip4:192.0.2.1 -all"), "::ffff:192.0.2.1", "a@example.com").result, Result::pass);
}

TEST(CheckHost, ConvertsInternationalDomains) {
  EXPECT_EQ(check("xn--mller-kva.example. TXT \"v=spf1 +all\"\n", "192.0.2.1", "a@m\xc3\xbcller.example").result,
            Result::pass);
}

TEST(CheckHost, ToldAsATree) {
  const std::string zone = with_record("v=spf1 ip4:203.0.113.1 include:i.example -all") +
                           "i.example. TXT \"v=spf1 a:h.example -all\"\nh.example. A 192.0.2.1\n";
  const Outcome outcome = check(zone, "192.0.2.1", "a@example.com");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.term, "include:i.example");
  std::string told;
  for (const TraceStep& step : outcome.trace)
    told += fmt::format("{}{} {} -> {} [{}]\n", std::string(step.depth, ' '), step.domain, step.term, step.result,
                        step.answers.size());
  EXPECT_EQ(told,
            "example.com v=spf1 ip4:203.0.113.1 include:i.example -all -> found [1]\n"
            "example.com ip4:203.0.113.1 -> no match [0]\n"
            "example.com include:i.example -> match [0]\n"
            " i.example v=spf1 a:h.example -all -> found [1]\n"
            " i.example a:h.example -> match [1]\n");
}

TEST(CheckHost, BoundsWhatGoesIntoAReply) {
  std::string zone = with_record("v=spf1 exp=e.example -all") + "e.example. TXT";
  for (int i = 0; i < 10; ++i) zone += " \"" + std::string(200, 'x') + "\"";
  EXPECT_EQ(check(zone + "\n", "192.0.2.1", "a@example.com").explanation.size(), explanation_octets_max);
}

// --- the records of our source documents, as they stand there

TEST(SourceRecords, TwoProviders) {
  const auto review = review_record("v=spf1 include:amazonses.com include:_spf.google.com ~all");
  EXPECT_TRUE(review.valid);
  EXPECT_TRUE(review.findings.empty());
}

TEST(SourceRecords, StrippedOfItsTermsEverythingSoftfails) {
  EXPECT_EQ(check(with_record("v=spf1 ~all"), "192.0.2.1", "a@example.com").result, Result::softfail);
}

std::string ids(const RecordReview& review) {
  std::string out;
  for (const Finding& finding : review.findings) out += finding.id + " ";
  return out;
}

TEST(SourceRecords, TypographicQuotesAndPlaceholders) {
  const auto review = review_record("\xe2\x80\x9cv=spf1 ip4:xx.xx.xx.xx include:spf.example.com\xe2\x80\x9d");
  EXPECT_FALSE(review.valid);
  EXPECT_EQ(ids(review), "quotes-typographic spf-placeholder spf-no-all ");
  const auto clean = review_record("v=spf1 include:spf.example.com");
  EXPECT_TRUE(clean.valid);
  ASSERT_EQ(ids(clean), "spf-no-all ");
  EXPECT_EQ(clean.findings[0].correction, "v=spf1 include:spf.example.com ~all");
  EXPECT_EQ(check(with_record("v=spf1 ip4:203.0.113.5"), "192.0.2.1", "a@example.com").result, Result::neutral);
}

TEST(SourceRecords, DocumentationAddressesAndInclude) {
  const auto review = review_record("v=spf1 ip4:192.0.2.0 ip4:192.0.2.1 include:examplesender.email -all");
  EXPECT_TRUE(review.valid);
  EXPECT_TRUE(review.findings.empty());
}

TEST(SourceRecords, PrivateAddresses) {
  const auto review = review_record("v=spf1 ip4:192.168.20.25 ip6:1080::8:800:68.0.3.1/96 include:zoho.in ~all");
  EXPECT_TRUE(review.valid);
  ASSERT_EQ(ids(review), "spf-private-address spf-private-address ");
  EXPECT_NE(review.findings[1].reason.find("1080::8:800:0:0/96"), std::string::npos) << "the canonical form is told";
  EXPECT_EQ(review.findings[0].correction, "v=spf1 ip6:1080::8:800:68.0.3.1/96 include:zoho.in ~all");
}

TEST(SourceRecords, PlusAll) {
  for (const char* record : {"v=spf1 +all", "v=spf1 all"}) {
    const auto review = review_record(record);
    EXPECT_TRUE(review.valid);
    ASSERT_EQ(ids(review), "spf-plus-all ");
    EXPECT_EQ(review.findings[0].level, FindingLevel::error);
    EXPECT_EQ(review.findings[0].correction, "v=spf1 ~all");
  }
  EXPECT_EQ(ids(review_record("v=spf1 ip4:0.0.0.0/0 -all")), "spf-plus-all ");
}

TEST(SourceRecords, OwnMxAndHost) {
  const std::string zone =
      "example.com. TXT \"v=spf1 mx a:mail.example.com -all\"\n"
      "example.com. MX 10 mx.example.com.\nmx.example.com. A 192.0.2.5\n"
      "mail.example.com. A 192.0.2.6\n";
  EXPECT_EQ(check(zone, "192.0.2.5", "a@example.com").result, Result::pass);
  EXPECT_EQ(check(zone, "192.0.2.6", "a@example.com").result, Result::pass);
  EXPECT_EQ(check(zone, "192.0.2.7", "a@example.com").result, Result::fail);
}

std::string ids(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) out += finding.id + " ";
  return out;
}

TEST(FindingsOf, TellsWhatOnlyAnEvaluationShows) {
  const auto found = [](const std::string& zone) {
    return ids(findings_of(check(zone, "192.0.2.1", "a@example.com")));
  };
  EXPECT_EQ(found("other.example. A 192.0.2.1\n"), "spf-missing ");
  EXPECT_EQ(found(with_record("v=spf1 -all") + with_record("v=spf1 +all")), "spf-multiple ");
  EXPECT_EQ(found(with_record("v=spf1 include:i.example -all")), "spf-include-missing ");
  EXPECT_EQ(found(with_includes(7)), "");
  EXPECT_EQ(found(with_includes(8)), "spf-near-lookup-limit ");
  EXPECT_EQ(found(with_includes(11)), "spf-too-many-lookups ");
  EXPECT_EQ(found(with_record("v=spf1 a:x.example a:y.example a:z.example -all")), "spf-void-lookups ");
}

TEST(ReviewRecord, CountsItsOwnLookups) {
  const auto with = [](int count) {
    std::string record = "v=spf1";
    for (int i = 0; i < count; ++i) record += fmt::format(" include:i{}.example", i);
    return ids(review_record(record + " -all"));
  };
  EXPECT_EQ(with(7), "");
  EXPECT_EQ(with(8), "spf-near-lookup-limit ");
  EXPECT_EQ(with(10), "spf-near-lookup-limit ");
  EXPECT_EQ(with(11), "spf-too-many-lookups ");
}

TEST(ReviewRecord, NamesTheTermThatIsWrong) {
  const auto review = review_record("v=spf1 ip4:300.1.1.1 -all");
  EXPECT_FALSE(review.valid);
  ASSERT_EQ(ids(review), "spf-syntax ");
  EXPECT_NE(review.findings[0].reason.find("ip4:300.1.1.1"), std::string::npos);
  EXPECT_EQ(review_record("\"v=spf1 -all\"").findings.at(0).correction, "v=spf1 -all");
}

TEST(ReviewRecord, AdvisesAgainstPtr) {
  const auto review = review_record("v=spf1 ptr mx -all");
  ASSERT_EQ(ids(review), "spf-ptr ");
  EXPECT_EQ(review.findings[0].correction, "v=spf1 mx -all");
}

/// Correction by correction, as `parse record` does it.
std::string proposed(std::string text) {
  for (;;) {
    const auto review = review_record(text);
    const auto next = std::ranges::find_if(review.findings, [](const Finding& f) { return !f.correction.empty(); });
    if (next == review.findings.end()) return text;
    text = next->correction;
  }
}

TEST(ReviewRecord, ProposesNoRecordThatNamesNoSenderAnyMore) {
  EXPECT_EQ(proposed("v=spf1 ip4:10.0.0.1, ptr"), "v=spf1 ip4:10.0.0.1 ~all");
  EXPECT_EQ(proposed("v=spf1 ptr -all"), "v=spf1 ptr -all");
  EXPECT_EQ(proposed("v=spf1 ip4:10.0.0.1 -all"), "v=spf1 ip4:10.0.0.1 -all");
  EXPECT_EQ(proposed("v=spf1 ip4:10.0.0.1 mx ptr -all"), "v=spf1 mx -all");
  EXPECT_EQ(proposed("v=spf1 ip4:0.0.0.0/0 -all"), "v=spf1 ip4:0.0.0.0/0 -all");
  EXPECT_EQ(proposed("v=spf1 ip4:192.0.2.1/0 a/0 -all"), "v=spf1 ip4:192.0.2.1 a -all");
  EXPECT_EQ(proposed("v=spf1 ip4:xx.xx.xx.xx"), "v=spf1 ip4:xx.xx.xx.xx");
  EXPECT_EQ(proposed("v=spf1 what:ever -all"), "v=spf1 what:ever -all");
  EXPECT_EQ(proposed("v=spf1 redirect=_spf.example.com ptr"), "v=spf1 redirect=_spf.example.com");
  for (const char* text : {"v=spf1 ip4:10.0.0.1 mx -all", "v=spf1 mx ptr -all"})
    EXPECT_NE(review_record(text).findings.at(0).reason.find("leaves it out"), std::string::npos) << text;
  EXPECT_NE(review_record("v=spf1 ptr -all").findings.at(0).reason.find("nothing is proposed"), std::string::npos);
}

}  // namespace
}  // namespace posthorn::spf
