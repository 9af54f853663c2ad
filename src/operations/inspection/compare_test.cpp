#include "operations/inspection/compare.h"

#include <gtest/gtest.h>

#include "standards/dns/zone.h"

namespace posthorn::inspection {
namespace {

Comparison compare(std::string_view a, std::string_view b, bool with_ttl = false) {
  const dns::Name domain = *dns::Name::parse("alpha.example");
  return compare_records(dns::Zone::parse(a)->records(), dns::Zone::parse(b)->records(), domain, with_ttl);
}

TEST(Compare, OrderSoaAndOwnServersDoNotCount) {
  const Comparison out = compare(
      "alpha.example. SOA a. b. 1 1 1 1 1\nalpha.example. NS ns.a.\nalpha.example. MX 10 x.\nalpha.example. MX 20 y.\n",
      "alpha.example. SOA c. d. 2 2 2 2 2\nalpha.example. NS ns.b.\nalpha.example. MX 20 y.\nalpha.example. MX 10 "
      "x.\n");
  EXPECT_TRUE(out.differences.empty());
  EXPECT_EQ(out.record_sets, 1u);
}

TEST(Compare, EachSidesRecordsAreShown) {
  const Comparison out = compare("alpha.example. MX 10 x.\nwww.alpha.example. A 192.0.2.1\n",
                                 "alpha.example. MX 10 z.\n_dmarc.alpha.example. TXT \"v=DMARC1; p=none\"\n");
  ASSERT_EQ(out.differences.size(), 3u);
  EXPECT_EQ(out.differences[0].a, std::vector<std::string>{"10 x."});
  EXPECT_EQ(out.differences[0].b, std::vector<std::string>{"10 z."});
  EXPECT_TRUE(out.differences[1].a.empty());
  EXPECT_TRUE(out.differences[2].b.empty());
}

TEST(Compare, TtlsCountWhereTheyAreAskedFor) {
  const std::string_view a = "alpha.example. 300 A 192.0.2.1\n", b = "alpha.example. 600 A 192.0.2.1\n";
  EXPECT_TRUE(compare(a, b).differences.empty());
  EXPECT_EQ(compare(a, b, true).differences.size(), 1u);
}

}  // namespace
}  // namespace posthorn::inspection
