// Every authoritative server is asked: over real sockets, from a root of our own down.
#include "operations/transition/key_witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/runtime/loops.h"
#include "platform/test_support/dns_bed.h"

namespace posthorn::transition {
namespace {

using Kind = KeySighting::Kind;
using test_support::DnsBed;
using testing::HasSubstr;

constexpr const char* kRecord = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A root at .2, alpha.test at .3 and .4; `records`: what each of the two has besides.
struct World {
  World(const std::string& at_first, const std::string& at_second) {
    bed.serve(2, ".", R"(
. 300 SOA root. root. 7 1 1 1 60
alpha.test. 300 NS ns1.alpha.test.
alpha.test. 300 NS ns2.alpha.test.
ns1.alpha.test. 300 A 127.0.0.3
ns2.alpha.test. 300 A 127.0.0.4
)");
    const std::string zone = R"(
$TTL 300
alpha.test. SOA ns1.alpha.test. root. 42 1 1 1 60
alpha.test. NS ns1.alpha.test.
alpha.test. NS ns2.alpha.test.
ns1.alpha.test. A 127.0.0.3
ns2.alpha.test. A 127.0.0.4
)";
    bed.serve(3, "alpha.test", zone + at_first);
    bed.serve(4, "alpha.test", zone + at_second);
    bed.start();
  }

  static Task<> look(std::string source, KeySighting& seen) {
    runtime::SystemClock clock;
    runtime::SystemRandom random;
    net::Loop loop(co_await runtime::current_executor(), clock);
    auto witness = make_key_witness(source, loop, clock, random);
    keyring::KeyRecord wanted{"s._domainkey.alpha.test", kRecord};
    if (witness) seen = co_await (*witness)->look(std::move(wanted));
  }
  KeySighting look() {
    KeySighting seen;
    const std::string source = "authoritative@" + bed.endpoint(2).text();
    runtime::run_to_end([&] { return look(source, seen); });
    return seen;
  }

  DnsBed bed;
};

std::string txt(std::string_view text) {
  return fmt::format("s._domainkey.alpha.test. TXT \"{}\"\n", text);
}

TEST(ZoneWitness, BothServersHaveIt) {
  World world(txt(kRecord), txt(kRecord));
  const auto seen = world.look();
  EXPECT_EQ(seen.kind, Kind::everywhere) << seen.words;
}

TEST(ZoneWitness, ATwinThatLagsBehindIsNamed) {
  World world(txt(kRecord), "");
  const auto seen = world.look();
  EXPECT_EQ(seen.kind, Kind::missing);
  EXPECT_THAT(seen.words, HasSubstr("ns2.alpha.test"));
}

TEST(ZoneWitness, AnotherKeyIsNamed) {
  World world(txt("v=DKIM1; p="), txt(kRecord));
  const auto seen = world.look();
  EXPECT_EQ(seen.kind, Kind::different);
  EXPECT_THAT(seen.words, HasSubstr("ns1.alpha.test"));
}

}  // namespace
}  // namespace posthorn::transition
