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
  EXPECT_EQ(zone_text(plan_records(domain("alpha.example"), host)),
            "mx.alpha.example. 3600 IN A 192.0.2.1\n"
            "mx.alpha.example. 3600 IN AAAA 2001:db8::1\n"
            "alpha.example. 3600 IN MX 10 mx.alpha.example.\n"
            "mx.alpha.example. 3600 IN TXT \"v=spf1 a -all\"\n"
            "alpha.example. 3600 IN TXT \"v=spf1 mx ~all\"\n");
}

TEST(Plan, HostElsewhereKeepsItsOwnRecords) {
  const MailHost host{domain("mx.other.example"), {*IpAddress::parse("192.0.2.1")}};
  const std::string zone = zone_text(plan_records(domain("alpha.example"), host));
  EXPECT_THAT(zone, HasSubstr("alpha.example. 3600 IN MX 10 mx.other.example.\n"));
  EXPECT_THAT(zone, Not(HasSubstr("192.0.2.1")));
}

TEST(Plan, EveryRecordHasAReason) {
  const MailHost host{domain("alpha.example"), {*IpAddress::parse("192.0.2.1")}};
  for (const PlannedRecord& record : plan_records(domain("alpha.example"), host)) EXPECT_FALSE(record.reason.empty());
}

}  // namespace
}  // namespace posthorn::domains
