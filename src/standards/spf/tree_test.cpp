#include "standards/spf/tree.h"

#include <gmock/gmock.h>

#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace posthorn::spf {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Tree tree_of(std::string_view zone, std::string_view domain = "alpha.example") {
  dns::ZoneFileResolver resolver(*dns::Zone::parse(zone));
  return test_support::run_task(walk_tree(resolver, *dns::Name::parse(domain)));
}

std::vector<std::string> ids(const Tree& tree) {
  std::vector<std::string> out;
  for (const Finding& finding : tree.findings) out.push_back(finding.id);
  return out;
}

TEST(SpfTree, CountsTermsOfEveryRecordItLeadsTo) {
  const Tree tree = tree_of(R"(
alpha.example. TXT "v=spf1 include:a.example mx ip4:192.0.2.1 ~all"
alpha.example. MX 10 mx.alpha.example.
a.example. TXT "v=spf1 include:b.example a:host.example -all"
b.example. TXT "v=spf1 ip4:192.0.2.0/24 -all"
host.example. AAAA 2001:db8::1
)");
  EXPECT_EQ(tree.lookups, 4u);
  EXPECT_EQ(tree.void_lookups, 0u);
  EXPECT_THAT(ids(tree), IsEmpty());
  ASSERT_EQ(tree.nodes.size(), 3u);
  EXPECT_EQ(tree.nodes[1].lookups, 2u);
  EXPECT_EQ(tree.nodes[2].depth, 2u);
  EXPECT_TRUE(tree.includes("B.example"));
  EXPECT_FALSE(tree.includes("alpha.example"));
}

TEST(SpfTree, GoesOnWhereAMessageWouldHaveStopped) {
  const Tree tree = tree_of(R"(
alpha.example. TXT "v=spf1 include:all.example include:none.example ~all"
all.example. TXT "v=spf1 +all"
)");
  EXPECT_THAT(ids(tree), ElementsAre("spf-include-missing"));
}

TEST(SpfTree, NearAndOverTheLimit) {
  std::string zone = "alpha.example. TXT \"v=spf1";
  for (int i = 0; i < 8; ++i) zone += " a:h" + std::to_string(i) + ".example";
  std::string hosts;
  for (int i = 0; i < 12; ++i) hosts += "h" + std::to_string(i) + ".example. A 192.0.2.1\n";
  EXPECT_THAT(ids(tree_of(zone + " ~all\"\n" + hosts)), ElementsAre("spf-near-lookup-limit"));
  for (int i = 8; i < 11; ++i) zone += " a:h" + std::to_string(i) + ".example";
  EXPECT_THAT(ids(tree_of(zone + " ~all\"\n" + hosts)), ElementsAre("spf-too-many-lookups"));
}

TEST(SpfTree, VoidLookupsSyntaxBelowAndSeveralRecords) {
  EXPECT_THAT(ids(tree_of("alpha.example. TXT \"v=spf1 a:x.example a:y.example a:z.example ~all\"")),
              ElementsAre("spf-void-lookups"));
  EXPECT_THAT(
      ids(tree_of("alpha.example. TXT \"v=spf1 include:b.example ~all\"\nb.example. TXT \"v=spf1 ipv4:1 ~all\"")),
      ElementsAre("spf-syntax"));
  const Tree several = tree_of("alpha.example. TXT \"v=spf1 mx -all\"\nalpha.example. TXT \"v=spf1 a ~all\"");
  ASSERT_THAT(ids(several), ElementsAre("spf-multiple"));
  EXPECT_EQ(several.findings.front().correction, "v=spf1 mx a ~all");
}

TEST(SpfTree, ALoopEnds) {
  const Tree tree = tree_of("alpha.example. TXT \"v=spf1 include:alpha.example ~all\"");
  EXPECT_LE(tree.nodes.size(), std::size_t{tree_records_max} + 1);
  EXPECT_THAT(ids(tree), Contains("spf-too-many-lookups"));
}

TEST(SpfTree, ARecordInTypographicQuotesIsFoundAndNamed) {
  EXPECT_THAT(ids(tree_of("alpha.example. TXT \"\\226\\128\\156v=spf1 ip4:192.0.2.1 ~all\\226\\128\\157\"")),
              Contains("quotes-typographic"));
}

TEST(SpfTree, AServerThatFailsIsNoFinding) {
  const Tree tree = tree_of("alpha.example. TXT \"v=spf1 include:b.example ~all\"\n;; servfail b.example\n");
  EXPECT_TRUE(tree.temporary_failure);
  EXPECT_THAT(ids(tree), IsEmpty());
}

}  // namespace
}  // namespace posthorn::spf
