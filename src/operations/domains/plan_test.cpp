#include "operations/domains/plan.h"

#include <gmock/gmock.h>

namespace posthorn::domains {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

address::Domain domain(std::string_view text) {
  return *address::Domain::parse(text);
}

TEST(Plan, HostInsideTheDomainGetsAddressMxAndBothSpfRecords) {
  const MailHost host{domain("mx.alpha.example"), {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")}};
  const MailTrust trust{{{"20261122e", "v=DKIM1; k=ed25519; p=abc", true, false}}, "reject"};
  EXPECT_EQ(zone_text(plan_records(domain("alpha.example"), host, trust)),
            "mx.alpha.example. 3600 IN A 192.0.2.1\n"
            "mx.alpha.example. 3600 IN AAAA 2001:db8::1\n"
            "alpha.example. 3600 IN MX 10 mx.alpha.example.\n"
            "mx.alpha.example. 3600 IN TXT \"v=spf1 a -all\"\n"
            "alpha.example. 3600 IN TXT \"v=spf1 mx ~all\"\n"
            "20261122e._domainkey.alpha.example. 3600 IN TXT \"v=DKIM1; k=ed25519; p=abc\"\n"
            "_dmarc.alpha.example. 3600 IN TXT \"v=DMARC1; p=reject; rua=mailto:postmaster@alpha.example\"\n");
}

TEST(Plan, LongKeysStandInSeveralStrings) {
  const MailHost host{domain("mx.other.example"), {}};
  const MailTrust trust{{{"20261122r", std::string(300, 'x'), true, false}}, "none"};
  EXPECT_THAT(zone_text(plan_records(domain("alpha.example"), host, trust)),
              HasSubstr("TXT \"" + std::string(255, 'x') + "\" \"" + std::string(45, 'x') + "\"\n"));
}

TEST(Plan, HostElsewhereKeepsItsOwnRecords) {
  const MailHost host{domain("mx.other.example"), {*IpAddress::parse("192.0.2.1")}};
  const std::string zone = zone_text(plan_records(domain("alpha.example"), host, {}));
  EXPECT_THAT(zone, HasSubstr("alpha.example. 3600 IN MX 10 mx.other.example.\n"));
  EXPECT_THAT(zone, Not(HasSubstr("192.0.2.1")));
}

TEST(Plan, EveryRecordHasAReason) {
  const MailHost host{domain("alpha.example"), {*IpAddress::parse("192.0.2.1")}};
  for (const PlannedRecord& record : plan_records(domain("alpha.example"), host, {}))
    EXPECT_FALSE(record.reason.empty());
}

}  // namespace
}  // namespace posthorn::domains
