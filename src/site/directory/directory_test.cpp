#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site/directory/address_key.h"
#include "site/directory/directory_fixture.h"
#include "site/directory/guess_limiter.h"

namespace posthorn::directory {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Resolve : public testing::Test {
 protected:
  Resolve() {
    site.domain("alpha.example");
    site.domain("parked.example", "parked");
    site.domain("elsewhere.example", "enforcing", false);
    site.account("ann@alpha.example");
    site.account("bob@alpha.example");
    site.account("carol@alpha.example");
    site.apply(set_account(site.now(), "carol@alpha.example", {.enabled = false}));
    site.address("sales@alpha.example", "bob@alpha.example");
    site.group("team@alpha.example", {"ann@alpha.example", "sales@alpha.example", "carol@alpha.example"});
    site.group("all@alpha.example", {"team@alpha.example", "bob@alpha.example"});
  }
  bool may(std::string_view account, std::string_view sender) const {
    return site.now().may_send_as(site.id(account), *address::Mailbox::parse(sender));
  }
  SiteForTests site;
};

TEST_F(Resolve, EveryKindOfRecipient) {
  EXPECT_EQ(site.resolve("ann@alpha.example"), "ann@alpha.example");
  EXPECT_EQ(site.resolve("ANN@Alpha.EXAMPLE"), "ann@alpha.example");
  EXPECT_EQ(site.resolve("\"ann\"@alpha.example"), "ann@alpha.example");
  EXPECT_EQ(site.resolve("ann+Lists@alpha.example"), "ann@alpha.example detail Lists");
  EXPECT_EQ(site.resolve("sales@alpha.example"), "bob@alpha.example by sales@alpha.example");
  EXPECT_EQ(site.resolve("carol@alpha.example"), "disabled carol@alpha.example");
  EXPECT_EQ(site.resolve("nobody@alpha.example"), "unknown user");
  EXPECT_EQ(site.resolve("\"\"@alpha.example"), "unknown user");
  EXPECT_EQ(site.resolve("+x@alpha.example"), "unknown user");
  EXPECT_EQ(site.resolve("ann@beta.example"), "not hosted");
  EXPECT_EQ(site.resolve("ann@elsewhere.example"), "not hosted");
  EXPECT_EQ(site.resolve("postmaster@parked.example"), "parked");
  EXPECT_EQ(site.resolve("ann@[192.0.2.1]"), "not hosted");
}

TEST_F(Resolve, GroupsOpenEachAccountOnceWithoutTheDisabled) {
  EXPECT_EQ(site.resolve("team@alpha.example"), "group [ann@alpha.example] [bob@alpha.example by sales@alpha.example]");
  EXPECT_EQ(site.resolve("all@alpha.example"), "group [ann@alpha.example] [bob@alpha.example by sales@alpha.example]");
}

TEST_F(Resolve, PostmasterAlwaysAnswers) {
  EXPECT_EQ(site.resolve("Postmaster"), "ann@alpha.example as postmaster");
  EXPECT_EQ(site.resolve("POSTMASTER@alpha.example"), "ann@alpha.example as postmaster");
  EXPECT_EQ(site.resolve("abuse@alpha.example"), "ann@alpha.example as postmaster");
  site.apply(set_postmaster(site.now(), "bob@alpha.example"));
  EXPECT_EQ(site.resolve("postmaster"), "bob@alpha.example as postmaster");
  site.address("abuse@alpha.example", "ann@alpha.example");
  EXPECT_EQ(site.resolve("abuse@alpha.example"), "ann@alpha.example by abuse@alpha.example");
  site.apply(set_account(site.now(), "bob@alpha.example", {.enabled = false}));
  EXPECT_EQ(site.resolve("postmaster@alpha.example"), "ann@alpha.example as postmaster");
}

TEST_F(Resolve, CatchAllTakesTheRest) {
  site.address("@alpha.example", "ann@alpha.example");
  EXPECT_EQ(site.resolve("whoever@alpha.example"), "ann@alpha.example as catch-all");
  EXPECT_EQ(site.resolve("carol@alpha.example"), "disabled carol@alpha.example");
  EXPECT_EQ(site.resolve("bob+x@alpha.example"), "bob@alpha.example detail x");
  site.apply(remove_address(site.now(), "@alpha.example"));
  EXPECT_EQ(site.resolve("whoever@alpha.example"), "unknown user");
}

TEST_F(Resolve, InternationalAddressesCompareInNfc) {
  site.domain(
      "b\xc3\xbc"
      "cher.example");
  site.account(
      "j\xc3\xbcrgen@b\xc3\xbc"
      "cher.example");
  // u with combining diaeresis; the A-label of the same domain.
  EXPECT_EQ(site.resolve("ju\xcc\x88rgen@xn--bcher-kva.example"), "j\xc3\xbcrgen@xn--bcher-kva.example");
}

TEST_F(Resolve, CirclesAndDepthEnd) {
  // Such rows cannot be planned; a store from elsewhere may hold them.
  site.apply(storage::Unit{{},
                           {storage::PutGroup{{"x@alpha.example", {"y@alpha.example"}}},
                            storage::PutGroup{{"y@alpha.example", {"x@alpha.example"}}}}});
  EXPECT_EQ(site.resolve("x@alpha.example"), "group loop");
  EXPECT_FALSE(may("ann@alpha.example", "x@alpha.example"));
}

TEST_F(Resolve, SenderAuthority) {
  EXPECT_TRUE(may("ann@alpha.example", "Ann@alpha.example"));
  EXPECT_TRUE(may("ann@alpha.example", "ann+shop@alpha.example"));
  EXPECT_TRUE(may("bob@alpha.example", "sales@alpha.example"));
  EXPECT_TRUE(may("bob@alpha.example", "team@alpha.example"));
  EXPECT_TRUE(may("ann@alpha.example", "all@alpha.example"));
  EXPECT_FALSE(may("ann@alpha.example", "sales@alpha.example"));
  EXPECT_FALSE(may("ann@alpha.example", "bob@alpha.example"));
  EXPECT_FALSE(may("ann@alpha.example", "bob+x@alpha.example"));
  EXPECT_FALSE(may("ann@alpha.example", "ann@beta.example"));
  EXPECT_FALSE(may("ann@alpha.example", "nobody@alpha.example"));
  EXPECT_FALSE(may("carol@alpha.example", "carol@alpha.example"));
  EXPECT_FALSE(may("ann@alpha.example", "ann@[192.0.2.1]"));
  site.address("@alpha.example", "bob@alpha.example");
  EXPECT_TRUE(may("bob@alpha.example", "anything@alpha.example"));
  EXPECT_FALSE(may("bob@alpha.example", "ann@alpha.example"));
}

// ---------------------------------------------------------------- plans

TEST_F(Resolve, PlansRefuseWithReasonAndRemedy) {
  const auto why = [](const auto& plan) { return plan ? std::string("planned") : plan.error().text(); };
  EXPECT_THAT(why(add_account(site.now(), {.address = "dan@beta.example"}, {})),
              HasSubstr("posthorn domain add beta.example"));
  EXPECT_THAT(why(add_account(site.now(), {.address = "ANN@alpha.example"}, {})),
              HasSubstr("it is an account; change that one: posthorn account set ann@alpha.example"));
  EXPECT_THAT(why(add_account(site.now(), {.address = "sales@alpha.example"}, {})), HasSubstr("address of bob@"));
  EXPECT_THAT(why(add_account(site.now(), {.address = "team@alpha.example"}, {})), HasSubstr("it is a group"));
  EXPECT_THAT(why(add_account(site.now(), {.address = "ann"}, {})), HasSubstr("write it like ann@example.org"));
  EXPECT_THAT(why(add_domain(site.now(), {"alpha.example"}, {})), HasSubstr("here already"));
  EXPECT_THAT(why(add_domain(site.now(), {"a..b"}, {})), HasSubstr("no domain"));
  EXPECT_THAT(why(add_domain(site.now(), {"localhost"}, {})), HasSubstr("one label"));
  EXPECT_THAT(why(add_domain(site.now(), {"xn--a.example"}, {})), HasSubstr("stands for no name"));
  EXPECT_TRUE(add_domain(site.now(), {"xn--bcher-kva.example"}, {}));
  EXPECT_TRUE(add_domain(site.now(), {"bücher.example"}, {}));
  EXPECT_THAT(why(remove_domain(site.now(), "alpha.example")), HasSubstr("ann@alpha.example, bob@alpha.example"));
  EXPECT_THAT(why(remove_account(site.now(), "ann@alpha.example")), HasSubstr("member of team@alpha.example"));
  EXPECT_THAT(why(set_account(site.now(), "sales@alpha.example", {})), HasSubstr("name the account"));
  EXPECT_THAT(why(remove_address(site.now(), "ann@alpha.example")), HasSubstr("account remove"));
  EXPECT_THAT(why(add_group(site.now(), "g@alpha.example", {"x@gmail.example"})), HasSubstr("not forwarded yet"));
  EXPECT_THAT(why(add_group(site.now(), "g@alpha.example", {"nobody@alpha.example"})), HasSubstr("there is no"));
  EXPECT_THAT(why(add_group(site.now(), "team@alpha.example", {"all@alpha.example"})), HasSubstr("circle"));
  EXPECT_THAT(why(remove_group(site.now(), "team@alpha.example", {})), HasSubstr("member of all@alpha.example"));
}

TEST_F(Resolve, WhatIsRemovedIsGone) {
  site.apply(remove_group(site.now(), "all@alpha.example", {}));
  site.apply(remove_group(site.now(), "team@alpha.example", {"ann@alpha.example"}));
  EXPECT_EQ(site.resolve("team@alpha.example"), "group [bob@alpha.example by sales@alpha.example]");
  site.apply(remove_account(site.now(), "ann@alpha.example"));
  EXPECT_EQ(site.resolve("ann@alpha.example"), "unknown user");
  site.apply(remove_group(site.now(), "team@alpha.example", {}));
  site.apply(remove_account(site.now(), "bob@alpha.example"));
  EXPECT_EQ(site.resolve("sales@alpha.example"), "unknown user");
  EXPECT_TRUE(site.now().addresses().empty());
  EXPECT_EQ(site.now().accounts().size(), 1u);
}

TEST_F(Resolve, AnOlderSnapshotStaysAsItWas) {
  const auto before = site.share();
  site.account("dan@alpha.example");
  EXPECT_EQ(before->account("dan@alpha.example"), nullptr);
  EXPECT_NE(site.now().account("dan@alpha.example"), nullptr);
  EXPECT_EQ(before->account("ann@alpha.example"), site.now().account("ann@alpha.example"));  // shared, not copied
}

TEST(GroupDepth, IsBounded) {
  SiteForTests site({.group_members = 2, .group_depth = 2});
  site.domain("alpha.example");
  for (const auto* const name : {"a@alpha.example", "b@alpha.example", "c@alpha.example"}) site.account(name);
  site.group("g1@alpha.example", {"a@alpha.example"});
  site.group("g2@alpha.example", {"g1@alpha.example"});
  const auto deeper = add_group(site.now(), "g3@alpha.example", {"g2@alpha.example"});
  ASSERT_FALSE(deeper);
  EXPECT_THAT(deeper.error().text(), HasSubstr("2 deep at most"));
  const auto larger =
      add_group(site.now(), "g@alpha.example", {"a@alpha.example", "b@alpha.example", "c@alpha.example"});
  ASSERT_FALSE(larger);
  EXPECT_THAT(larger.error().text(), HasSubstr("limits.group_members"));
}

// ---------------------------------------------------------------- guesses

TEST(GuessLimiter, CountsWrongOnesByNetworkAndForgets) {
  GuessLimiter limiter({.per_address = 3, .per_account = 100, .window = 10min});
  const TimePoint start = from_unix_seconds(1'800'000'000);
  const IpAddress one = *IpAddress::parse("2001:db8::1"), same_subscriber = *IpAddress::parse("2001:db8::ffff"),
                  other = *IpAddress::parse("192.0.2.1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limiter.permits(one, "ann", start));
    limiter.wrong(one, "ann", start);
  }
  EXPECT_FALSE(limiter.permits(same_subscriber, "bob", start));
  EXPECT_TRUE(limiter.permits(other, "ann", start));
  EXPECT_FALSE(limiter.permits(one, "ann", start + 4min));
  EXPECT_TRUE(limiter.permits(one, "ann", start + 11min));
}

TEST(GuessLimiter, StrangersDoNotShutOutTheOwner) {
  GuessLimiter limiter({.per_address = 1000, .per_account = 5, .window = 10min});
  const TimePoint start = from_unix_seconds(1'800'000'000);
  const IpAddress home = *IpAddress::parse("192.0.2.1"), stranger = *IpAddress::parse("198.51.100.7");
  limiter.right(home, "ann", start);
  for (int i = 0; i < 5; ++i) limiter.wrong(stranger, "ann", start);
  EXPECT_FALSE(limiter.permits(stranger, "ann", start));
  EXPECT_FALSE(limiter.permits(*IpAddress::parse("203.0.113.9"), "ann", start));
  EXPECT_TRUE(limiter.permits(home, "ann", start));
  EXPECT_TRUE(limiter.permits(stranger, "bob", start));
}

}  // namespace
}  // namespace posthorn::directory
