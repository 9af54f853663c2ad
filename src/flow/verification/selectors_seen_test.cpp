#include "flow/verification/selectors_seen.h"

#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"

namespace posthorn::verification {
namespace {

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);
constexpr Duration kDay = std::chrono::hours(24);

void see(SelectorsSeen& memory, const std::string& domain, const std::string& selector, TimePoint at = kStart,
         dkim::Result result = dkim::Result::pass) {
  Verdicts verdicts;
  dkim::VerifiedSignature signature;
  signature.result = result;
  signature.domain = domain;
  signature.selector = selector;
  signature.algorithm = "rsa-sha256";
  signature.key_bits = 2048;
  verdicts.dkim.push_back(std::move(signature));
  const Decision decision;
  memory.observed({{}, at, {}, "", "", {}, verdicts, decision});
}

Task<bool> load(SelectorsSeen& memory) {
  co_await memory.load();
  co_return true;
}

std::vector<SeenSelector> stored(flow_test::DoorBed& bed, const std::string& domain) {
  auto question = [domain](storage::Reader& reader) { return SelectorsSeen::read(reader, domain); };
  return bed.wait(bed.store->read(std::move(question)));
}

TEST(SelectorsSeen, RemembersValidSignaturesThroughARestart) {
  flow_test::DoorBed bed;
  {
    SelectorsSeen memory(*bed.store);
    see(memory, "far.example", "s1");
    see(memory, "far.example", "s2", kStart + kDay);
    see(memory, "far.example", "forged", kStart, dkim::Result::fail);
    memory.flush();
    see(memory, "far.example", "s1", kStart + 2 * kDay);
    memory.flush();
  }
  bed.restart(0);
  SelectorsSeen memory(*bed.store);
  ASSERT_TRUE(bed.wait(load(memory)));
  const auto seen = memory.of("far.example");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].selector, "s1");
  EXPECT_EQ(seen[0].algorithm, "rsa-sha256");
  EXPECT_EQ(seen[0].key_bits, 2048u);
  EXPECT_EQ(seen[0].first_seen, kStart);
  EXPECT_EQ(seen[0].last_seen, kStart + 2 * kDay);
  EXPECT_EQ(stored(bed, "far.example").size(), 2u);
  EXPECT_TRUE(stored(bed, "near.example").empty());
}

TEST(SelectorsSeen, WritesOnceADay) {
  flow_test::DoorBed bed;
  SelectorsSeen memory(*bed.store);
  see(memory, "far.example", "s1");
  see(memory, "far.example", "s1", kStart + kDay / 2);
  EXPECT_EQ(memory.of("far.example").at(0).last_seen, kStart);
  see(memory, "far.example", "s1", kStart + kDay);
  EXPECT_EQ(memory.of("far.example").at(0).last_seen, kStart + kDay);
}

TEST(SelectorsSeen, IsBoundedAndForgetsWhatWasNotSeenForLongest) {
  flow_test::DoorBed bed;
  SelectorsSeen memory(*bed.store);
  for (std::size_t i = 0; i <= SelectorsSeen::selectors_max; ++i)
    see(memory, "far.example", fmt::format("s{}", i), kStart + static_cast<int>(i) * kDay);
  const auto seen = memory.of("far.example");
  EXPECT_EQ(seen.size(), SelectorsSeen::selectors_max);
  EXPECT_EQ(std::ranges::find(seen, "s0", &SeenSelector::selector), seen.end());
  // Far more domains than there is room for.
  constexpr std::size_t many = 2 * SelectorsSeen::buckets * SelectorsSeen::domains_max;
  for (std::size_t i = 0; i < many; ++i) see(memory, fmt::format("d{}.example", i), "s", kStart + 90 * kDay);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < many; ++i) kept += memory.of(fmt::format("d{}.example", i)).size();
  EXPECT_LE(kept, SelectorsSeen::buckets * SelectorsSeen::domains_max);
  EXPECT_GT(kept, SelectorsSeen::buckets * SelectorsSeen::domains_max / 2);
  EXPECT_TRUE(memory.of("far.example").empty()) << "the oldest of a full bucket";
}

}  // namespace
}  // namespace posthorn::verification
