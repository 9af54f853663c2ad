#include "flow/verification/dmarc_ledger.h"

#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"

namespace posthorn::verification {
namespace {

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);  // 2027-01-15 08:00
constexpr const char* kDay = "2027-01-15";

struct Seen {
  std::string source = "192.0.2.1";
  std::string policy_domain = "far.example";
  std::string selector = "s1";
  bool passes = true;
  TimePoint at = kStart;
};

void see(DmarcLedger& ledger, const Seen& seen) {
  Verdicts verdicts;
  dkim::VerifiedSignature signature;
  signature.result = seen.passes ? dkim::Result::pass : dkim::Result::fail;
  signature.domain = seen.policy_domain;
  signature.selector = seen.selector;
  verdicts.dkim.push_back(std::move(signature));
  verdicts.session.emplace();
  verdicts.session->mail_from.result = spf::Result::softfail;
  verdicts.session->mail_from.domain = "bounce." + seen.policy_domain;
  verdicts.dmarc.policy = dmarc::Policy::reject;
  verdicts.dmarc.policy_domain = seen.policy_domain;
  verdicts.dmarc.rfc5322_from_domain = "news." + seen.policy_domain;
  verdicts.dmarc.record = "v=DMARC1; p=reject";
  verdicts.dmarc.dkim_aligned = seen.passes;
  Decision decision;
  if (!seen.passes) {
    decision.disposition = dmarc::Policy::quarantine;
    decision.override_type = Override::mailing_list;
    decision.indirect.sign = "List-Id: <dev.lists.example>\r\nInjected: yes";
  }
  ledger.observed({{},
                   seen.at,
                   *IpAddress::parse(seen.source),
                   "mx.far.example",
                   "bounce." + seen.policy_domain,
                   {"near.example"},
                   verdicts,
                   decision});
}

Task<bool> flush(DmarcLedger& ledger) {
  co_await ledger.flush();
  co_return true;
}
Task<bool> sweep(DmarcLedger& ledger, TimePoint now) {
  co_await ledger.sweep(now);
  co_return true;
}

class Ledger : public testing::Test {
 protected:
  std::vector<DmarcRow> rows(const std::string& domain, const std::string& day = kDay) {
    return bed.wait(dmarc_rows(*bed.store, day, domain));
  }
  flow_test::DoorBed bed;
};

TEST_F(Ledger, CountsRowsOfADayThroughRestarts) {
  for (int start = 0; start < 2; ++start) {
    {
      DmarcLedger ledger(*bed.store);
      for (int i = 0; i < 3; ++i) see(ledger, {});
      ASSERT_TRUE(bed.wait(flush(ledger)));
      see(ledger, {});
      ASSERT_TRUE(bed.wait(flush(ledger)));
      ASSERT_TRUE(bed.wait(flush(ledger))) << "what was written is not written again";
    }
    bed.restart(0);
  }
  const auto found = rows("far.example");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].count, 8u);
}

TEST_F(Ledger, HoldsTheFieldsOfAReportsRow) {
  DmarcLedger ledger(*bed.store);
  see(ledger, {.passes = false});
  ASSERT_TRUE(bed.wait(flush(ledger)));
  const auto found = rows("far.example");
  ASSERT_EQ(found.size(), 1u);
  DmarcRow wanted;
  wanted.count = 1;
  wanted.source_ip = "192.0.2.1";
  wanted.policy_domain = "far.example";
  wanted.record = "v=DMARC1; p=reject";
  wanted.disposition = "quarantine";
  wanted.dkim = wanted.spf = "fail";
  wanted.override_type = "mailing_list";
  wanted.comment = "List-Id: <dev.lists.example>??Injected: yes";
  wanted.header_from = "news.far.example";
  wanted.envelope_from = "bounce.far.example";
  wanted.envelope_to = "near.example";
  wanted.dkim_results = {{"far.example", "s1", "fail"}};
  wanted.spf_scope = "mfrom";
  wanted.spf_domain = "bounce.far.example";
  wanted.spf_result = "softfail";
  EXPECT_EQ(found[0], wanted);
}

TEST_F(Ledger, TellsRowsDaysAndDomainsApart) {
  DmarcLedger ledger(*bed.store);
  see(ledger, {});
  see(ledger, {.source = "2001:db8::1"});
  see(ledger, {.passes = false});
  see(ledger, {.policy_domain = "other.example"});
  see(ledger, {.at = kStart + std::chrono::days(1)});
  ASSERT_TRUE(bed.wait(flush(ledger)));
  EXPECT_EQ(rows("far.example").size(), 3u);
  EXPECT_EQ(rows("far.example", "2027-01-16").size(), 1u);
  EXPECT_EQ(bed.wait(dmarc_row_domains(*bed.store, kDay)), (std::vector<std::string>{"far.example", "other.example"}));
}

TEST_F(Ledger, CountsNothingWhereNobodyPublishedAPolicy) {
  const Verdicts verdicts;
  const Decision decision;
  EXPECT_EQ(row_of({{}, kStart, {}, "", "", {}, verdicts, decision}), std::nullopt);
}

TEST_F(Ledger, ForgetsDaysThatAreLongOver) {
  DmarcLedger ledger(*bed.store);
  for (int i = 0; i < 1200; ++i) see(ledger, {.selector = fmt::format("s{}", i)});
  see(ledger, {.at = kStart + std::chrono::days(3)});
  ASSERT_TRUE(bed.wait(flush(ledger)));
  ASSERT_TRUE(bed.wait(sweep(ledger, kStart + dmarc_rows_kept)));
  EXPECT_EQ(rows("far.example").size(), 1200u) << "the last day that is kept";
  ASSERT_TRUE(bed.wait(sweep(ledger, kStart + dmarc_rows_kept + std::chrono::days(1))));
  EXPECT_TRUE(rows("far.example").empty());
  EXPECT_EQ(rows("far.example", "2027-01-18").size(), 1u);
}

TEST_F(Ledger, ADomainThatBringsTooManyRowsIsBounded) {
  DmarcLedger ledger(*bed.store);
  for (std::size_t i = 0; i < dmarc_rows_a_domain_max; ++i) see(ledger, {.selector = fmt::format("s{}", i)});
  ASSERT_TRUE(bed.wait(flush(ledger)));
  see(ledger, {.selector = "one-more"});
  see(ledger, {.policy_domain = "other.example"});
  ASSERT_TRUE(bed.wait(flush(ledger)));
  EXPECT_EQ(rows("far.example").size(), dmarc_rows_a_domain_max);
  EXPECT_EQ(rows("other.example").size(), 1u);
  EXPECT_EQ(ledger.forgotten(), 1u);
}

}  // namespace
}  // namespace posthorn::verification
