#include "platform/storage/company.h"

#include <gtest/gtest.h>

namespace posthorn::storage {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(Company, WhoIsAloneDoesNotWait) {
  Company company;
  EXPECT_EQ(company.wait_for(1), Duration::zero()) << "nothing is known yet";
  company.answered(1, 0, milliseconds(2));
  EXPECT_EQ(company.wait_for(1), Duration::zero());
}

TEST(Company, ThoseAnsweredAndThoseWhoWaitedAreExpected) {
  Company company;
  company.answered(5, 5, microseconds(400));
  EXPECT_EQ(company.expected(), 10U);
  EXPECT_EQ(company.wait_for(5), microseconds(100)) << "a quarter of what the group took";
  EXPECT_EQ(company.wait_for(10), Duration::zero());
}

TEST(Company, TheWaitIsBounded) {
  Company company;
  company.answered(5, 5, std::chrono::seconds(1));
  EXPECT_EQ(company.wait_for(1), company_wait_max);
  company.answered(5, 5, microseconds(40));
  EXPECT_EQ(company.wait_for(1), Duration::zero()) << "shorter than going to sleep";
}

}  // namespace
}  // namespace posthorn::storage
