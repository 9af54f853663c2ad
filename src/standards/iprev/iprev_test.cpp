#include "standards/iprev/iprev.h"

#include <gtest/gtest.h>

#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace posthorn::iprev {
namespace {

Outcome check_in(std::string_view zone, std::string_view ip) {
  dns::ZoneFileResolver resolver{dns::Zone::parse(zone).value()};
  return test_support::run_task(check(resolver, IpAddress::parse(ip).value()));
}

TEST(Iprev, PassesWhereTheSecondNameLeadsBack) {
  const Outcome outcome = check_in(
      "1.2.0.192.in-addr.arpa. PTR other.example.\n"
      "1.2.0.192.in-addr.arpa. PTR Mail.Example.\n"
      "other.example. A 192.0.2.9\n"
      "mail.example. A 192.0.2.9\n"
      "mail.example. A 192.0.2.1\n",
      "::ffff:192.0.2.1");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.name, "mail.example");
}

TEST(Iprev, PassesForIpv6) {
  const Outcome outcome = check_in(
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.example.\n"
      "mail.example. AAAA 2001:db8::1\n",
      "2001:db8::1");
  EXPECT_EQ(outcome.result, Result::pass);
}

TEST(Iprev, TellsFailureFromOutageFromNoName) {
  EXPECT_EQ(check_in("1.2.0.192.in-addr.arpa. PTR a.example.\na.example. A 192.0.2.2\n", "192.0.2.1").result,
            Result::fail);
  EXPECT_EQ(check_in("x.example. A 192.0.2.2\n", "192.0.2.1").result, Result::permerror);
  EXPECT_EQ(check_in(";; timeout 1.2.0.192.in-addr.arpa PTR\n", "192.0.2.1").result, Result::temperror);
  EXPECT_EQ(check_in("1.2.0.192.in-addr.arpa. PTR a.example.\n;; servfail a.example A\n", "192.0.2.1").result,
            Result::temperror);
}

TEST(Iprev, LooksAtTenNamesOnly) {
  std::string zone;
  for (int i = 0; i < 11; ++i) zone += fmt::format("1.2.0.192.in-addr.arpa. PTR n{}.example.\n", i);
  zone += "n10.example. A 192.0.2.1\n";
  EXPECT_EQ(check_in(zone, "192.0.2.1").result, Result::fail);
}

}  // namespace
}  // namespace posthorn::iprev
