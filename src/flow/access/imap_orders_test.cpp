#include "flow/access/imap_orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"

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

// ---------------------------------------------------------------- by the commands

/// A mailbox so large that its orders are kept; its messages by uid, with the subjects that order them.
class LargeMailbox : public testing::Test {
 protected:
  static constexpr unsigned count = Orders::messages_min + 100;

  LargeMailbox() {
    bed.site.domain("alpha.example");
    bed.site.account("ann@alpha.example", "correct horse battery");
    one = bed.reader("ann@alpha.example", "correct horse battery");
    for (unsigned uid = 1; uid <= count; ++uid) add((uid * 7919) % 1009);
    one->say("SELECT INBOX");
  }
  void add(unsigned subject) {
    const unsigned uid = ++last;
    const std::string message =
        fmt::format("Subject: s{:04}\r\nMessage-ID: <m{}@x.example>\r\n\r\nx\r\n", subject, uid);
    one->append("INBOX", message);
    subjects.emplace_back(subject, uid);
  }
  void remove(unsigned from, unsigned to) {
    one->say(fmt::format("UID STORE {}:{} +FLAGS.SILENT (\\Deleted)", from, to));
    one->say("EXPUNGE");
    std::erase_if(subjects, [=](const auto& each) { return each.second >= from && each.second <= to; });
  }
  [[nodiscard]] std::string sorted(bool reverse, unsigned from = 0) const {
    auto order = subjects;
    std::ranges::sort(order, [=](const auto& a, const auto& b) {
      if (a.first != b.first) return reverse ? a.first > b.first : a.first < b.first;
      return a.second < b.second;
    });
    std::string line = "* SORT";
    for (const auto& [subject, uid] : order)
      if (uid >= from) line += fmt::format(" {}", uid);
    return line + "\r\nTAG OK SORT completed\r\n";
  }

  flow_test::AccessBed bed;
  std::unique_ptr<flow_test::ImapCaller> one;
  unsigned last = 0;  // uid
  std::vector<std::pair<unsigned, unsigned>> subjects;
};

TEST_F(LargeMailbox, SortStaysRightWhenMailComesAndGoes) {
  const auto check = [&](const std::string& when) {
    for (int turn = 0; turn < 2; ++turn) {
      EXPECT_EQ(one->say("UID SORT (SUBJECT) UTF-8 ALL"), sorted(false)) << when;
      EXPECT_EQ(one->say("UID SORT (REVERSE SUBJECT) UTF-8 ALL"), sorted(true)) << when;
      EXPECT_EQ(one->say("UID SORT (SUBJECT) UTF-8 UID 1000:*"), sorted(false, 1000)) << when;
    }
  };
  check("at first");
  remove(5, 40);
  check("when some are gone");
  add(3);
  one->say("NOOP");
  check("when one has come");
  for (const unsigned subject : {0u, 9999u, 500u, 500u}) add(subject);
  one->say("NOOP");
  check("when four have come");
  for (unsigned i = 0; i < 40; ++i) add(i * 25);
  one->say("NOOP");
  check("when many have come");
}

TEST_F(LargeMailbox, SortBySequenceNumberFollowsExpunges) {
  const std::string before = one->say("SORT (SUBJECT) UTF-8 ALL");
  EXPECT_EQ(before, sorted(false)) << "no message is gone: numbers are uids";
  remove(1, 1);
  for (auto& [subject, uid] : subjects) --uid;
  EXPECT_EQ(one->say("SORT (SUBJECT) UTF-8 ALL"), sorted(false));
}

TEST_F(LargeMailbox, ThreadsAreMadeAnewWhenMailComesOrGoes) {
  const std::string first = one->say("UID THREAD ORDEREDSUBJECT UTF-8 ALL");
  EXPECT_EQ(one->say("UID THREAD ORDEREDSUBJECT UTF-8 ALL"), first);
  // Subjects come again after 1,009 uids.
  EXPECT_THAT(first, testing::HasSubstr("(7 1016)"));
  EXPECT_THAT(one->say("UID THREAD ORDEREDSUBJECT UTF-8 UID 1:7"),
              testing::EndsWith("(7)\r\nTAG OK THREAD completed\r\n"));
  remove(7, 7);
  const std::string without = one->say("UID THREAD ORDEREDSUBJECT UTF-8 ALL");
  EXPECT_THAT(without, testing::AllOf(testing::HasSubstr("(1016)"), testing::Not(testing::HasSubstr("(7 1016)"))));
}

}  // namespace
}  // namespace posthorn::access
