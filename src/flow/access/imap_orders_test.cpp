#include "flow/access/imap_orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthorn::access {
namespace {

using testing::ElementsAre;

Orders::Order order_of(std::vector<storage::Uid> uids, std::vector<std::uint32_t> order) {
  return {std::move(uids), std::move(order), {}};
}

std::shared_ptr<const Orders::Order> of_size(std::size_t messages) {
  return std::make_shared<Orders::Order>(order_of(std::vector<storage::Uid>(messages), {}));
}

TEST(ImapOrders, AnOrderServesWhatIsLeftOfItsMessages) {
  const Orders::Order order = order_of({2, 5, 7, 9}, {3, 0, 2, 1});  // 9 2 7 5
  EXPECT_THAT(order_among(order, {2, 5, 7, 9}).value(), ElementsAre(3u, 0u, 2u, 1u));
  EXPECT_THAT(order_among(order, {5, 9}).value(), ElementsAre(1u, 0u)) << "9, then 5";
  EXPECT_TRUE(order_among(order, {}).value().empty());
  EXPECT_FALSE(order_among(order, {2, 6})) << "never seen";
  EXPECT_FALSE(order_among(order, {2, 10})) << "came since";
}

TEST(ImapOrders, WhatWasUsedLongestAgoIsForgottenFirst) {
  Orders orders;
  const storage::MailboxId one{1}, two{2}, three{3};
  const std::size_t half = Orders::messages_max / 2;
  orders.keep(one, "a", of_size(half));
  orders.keep(two, "a", of_size(half));
  EXPECT_TRUE(orders.find(one, "a"));
  EXPECT_FALSE(orders.find(one, "b"));
  orders.keep(three, "a", of_size(1));
  EXPECT_TRUE(orders.find(one, "a"));
  EXPECT_FALSE(orders.find(two, "a"));
  EXPECT_TRUE(orders.find(three, "a"));
  orders.keep(one, "a", of_size(7));
  EXPECT_EQ(orders.find(one, "a")->uids.size(), 7u) << "the new one in place of the old";
  orders.keep(two, "a", of_size(Orders::messages_max + 1));
  EXPECT_FALSE(orders.find(two, "a")) << "larger than all that is kept";
}

}  // namespace
}  // namespace posthorn::access
