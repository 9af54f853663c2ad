#include "foundation/base/recent.h"

#include <string>

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(Recent, KeepsWhatIsUsedAndDropsTheOldest) {
  Recent<int, std::string> recent(8);
  for (int i = 0; i < 8; ++i) recent.put(i, std::to_string(i));
  ASSERT_NE(recent.find(0), nullptr);
  recent.put(8, "8");
  EXPECT_LE(recent.size(), 8u);
  EXPECT_NE(recent.find(0), nullptr) << "it was used";
  EXPECT_EQ(recent.find(1), nullptr) << "nobody used it for the longest time";
  EXPECT_NE(recent.find(8), nullptr);
}

TEST(Recent, NeverHoldsMore) {
  Recent<int, int> recent(100);
  recent.put(-1, -1);
  for (int i = 0; i < 10'000; ++i) {
    recent.put(i, i);
    ASSERT_LE(recent.size(), 100u);
    ASSERT_NE(recent.find(-1), nullptr);
  }
}

TEST(Recent, AnEntryIsReplacedInItsPlace) {
  Recent<int, int> recent(2);
  recent.put(1, 10);
  recent.put(2, 20);
  recent.put(1, 11);
  EXPECT_EQ(recent.size(), 2u);
  EXPECT_EQ(*recent.find(1), 11);
  EXPECT_EQ(*recent.find(2), 20);
  Recent<int, int> one(0);
  one.put(1, 1);
  one.put(2, 2);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_EQ(*one.find(2), 2);
}

}  // namespace
}  // namespace posthorn
