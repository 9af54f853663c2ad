// A few days of a bad world, by seed: hosts refuse, stall, cut, talk nonsense, say 4yz and 5yz, the server restarts.
// Afterwards every recipient has ended as exactly one thing, and what a host took with a 250 it took once.
#include <gtest/gtest.h>

#include "flow/relay/relay.h"
#include "flow/test_support/queue_bed.h"
#include "flow/test_support/scripted_peer.h"
#include "standards/dns/zone.h"

namespace posthorn::relay {
namespace {

using flow_test::Fault;
using flow_test::PeerNetwork;
using flow_test::QueueBed;
using std::chrono::hours;
using std::chrono::minutes;

constexpr const char* zone_text =
    "one.example. MX 10 a.one.example.\none.example. MX 20 b.one.example.\n"
    "two.example. MX 10 a.two.example.\ntwo.example. MX 10 b.two.example.\n"
    "three.example. A 192.0.2.5\n"
    "a.one.example. A 192.0.2.1\nb.one.example. A 192.0.2.2\na.two.example. A 192.0.2.3\nb.two.example. A 192.0.2.4\n";
const std::vector<std::string> addresses{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"};
const std::vector<std::string> domains{"one.example", "two.example", "three.example"};
const std::vector<std::string> stages{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "message"};

class BadWorld {
 public:
  explicit BadWorld(std::uint64_t seed) : dice(seed) {
    for (const std::string& address : addresses) network.peer(address);
    start();
  }
  ~BadWorld() { bed.stop(); }

  void start() {
    Options options;
    options.host_name = "mx.alpha.example";
    Surroundings with{{&bed.net_loop}, &network, &resolver, &bed.store, nullptr, &bed.random};
    office = std::make_unique<RelayOffice>(with, options, queue::Routes{});
    bed.start(*office);
  }
  void restart() {
    bed.stop();
    start();
  }
  void change_the_weather() {
    for (const std::string& address : addresses) {
      flow_test::PeerScript script;
      script.refuses = dice.below(4) == 0;
      const std::string& stage = stages[dice.below(stages.size())];
      const std::uint64_t what = dice.below(8);
      if (what == 0) script.faults[stage] = Fault::cut;
      if (what == 1) script.faults[stage] = Fault::stall;
      if (what == 2) script.faults[stage] = Fault::garbage;
      if (what == 3) script.replies[stage] = "451 4.3.0 not now";
      if (what == 4 && stage != "DATA") script.replies[stage] = "554 5.3.0 never";
      network.peer(address).script = script;
    }
  }
  void clear_the_sky() {
    for (const std::string& address : addresses) network.peer(address).script = {};
  }

  runtime::SeededRandom dice;
  QueueBed bed;
  PeerNetwork network{bed.group};
  dns::ZoneFileResolver resolver{*dns::Zone::parse(zone_text)};
  std::unique_ptr<RelayOffice> office;
};

class SimulationTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulationTest, EveryRecipientEndsAsExactlyOneThing) {
  BadWorld world(GetParam());
  std::vector<std::pair<MailId, std::string>> sent;
  for (int tenth = 0; tenth < 200; ++tenth) {
    world.change_the_weather();
    const std::string to = "bob@" + domains[world.dice.below(domains.size())];
    sent.emplace_back(world.bed.send("ann@alpha.example", {to}), to);
    if (world.dice.below(20) == 0) world.restart();
    world.bed.run_for(minutes(10));
  }
  world.clear_the_sky();
  world.bed.run_for(hours(24));
  EXPECT_TRUE(world.bed.store.recipients.empty()) << "seed " << GetParam();
  for (const auto& [id, to] : sent) {
    const std::string mark = "Message-ID: <" + id.text() + "@";
    std::size_t accepted = 0;
    for (const std::string& address : addresses)
      accepted += static_cast<std::size_t>(
          std::ranges::count_if(world.network.peer(address).log.accepted,
                                [&](const std::string& message) { return message.find(mark) != std::string::npos; }));
    std::size_t returned = 0;
    for (const queue::OwnMessage& report : world.bed.acceptor.messages)
      returned +=
          report.octets.find("Action: failed") != std::string::npos && report.octets.find(mark) != std::string::npos;
    EXPECT_EQ(accepted + returned, 1u) << "seed " << GetParam() << ", mail " << id.text() << " to " << to;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace posthorn::relay
