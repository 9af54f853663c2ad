// TLS and logins of the relay: real handshakes over memory, against peers that do them right, wrong or not at all.
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flow/relay/relay.h"
#include "flow/test_support/queue_bed.h"
#include "flow/test_support/scripted_peer.h"
#include "platform/net/certificate.h"
#include "standards/dns/zone.h"

namespace posthorn::relay {
namespace {

using flow_test::PeerNetwork;
using flow_test::QueueBed;
using flow_test::ScriptedPeer;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kTlsZone = "beta.example. MX 10 mx1.beta.example.\nmx1.beta.example. A 192.0.2.1\n";
constexpr const char* secret = "correct-horse-battery";

class RelayTlsTest : public ::testing::Test {
 protected:
  RelayTlsTest() {
    const net::NewCertificate wanted{
        {"mx1.beta.example"}, from_unix_seconds(1'600'000'000), from_unix_seconds(4'000'000'000)};
    const auto certificate = net::make_self_signed(wanted);
    auto server = net::ServerTls::make({*certificate});
    auto client = net::ClientTls::make({.ca_file = {}, .use_system_store = false});
    server_tls = std::move(*server);
    client_tls = std::move(*client);
    peer().script.extensions = "PIPELINING 8BITMIME STARTTLS AUTH";
    peer().script.tls = server_tls.get();
    password_file = std::filesystem::temp_directory_path() / ("posthorn-relay-tls-" + std::to_string(getpid()));
    std::ofstream(password_file) << secret << "\n";
  }
  ~RelayTlsTest() override {
    if (bed.queue) bed.stop();
    std::filesystem::remove(password_file);
  }
  void start(const std::vector<config::Route>& routes = {}) {
    Options options;
    options.host_name = "mx.alpha.example";
    Surroundings with{{&bed.net_loop}, &network, &resolver, &bed.store, client_tls.get(), &bed.random};
    office = std::make_unique<RelayOffice>(with, options, queue::Routes(routes));
    bed.start(*office, {}, queue::Routes(routes));
  }
  config::Route route(config::RouteTls tls, bool login = false) const {
    config::Route made;
    made.domain = "beta.example";
    made.host = "mx1.beta.example";
    made.tls = tls;
    if (!login) return made;
    made.login_user = "alpha";
    made.login_password_file = password_file;
    return made;
  }
  ScriptedPeer& peer() { return network.peer("192.0.2.1"); }
  MailId send() { return bed.send("ann@alpha.example", {"bob@beta.example"}); }

  QueueBed bed;
  PeerNetwork network{bed.group};
  dns::ZoneFileResolver resolver{*dns::Zone::parse(kTlsZone)};
  std::unique_ptr<net::ServerTls> server_tls;
  std::unique_ptr<net::ClientTls> client_tls;
  std::unique_ptr<RelayOffice> office;
  std::filesystem::path password_file;
};

TEST_F(RelayTlsTest, OpportunisticTlsIsUsedAndToldWhateverTheCertificate) {
  start();
  const MailId id = send();
  bed.run_for(seconds(5));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(peer().log.messages.size(), 1u);
  EXPECT_NE(bed.store.story(id).find("TLSv1.3"), std::string::npos);
  EXPECT_NE(bed.store.story(id).find("certificate not verified"), std::string::npos);
}

TEST_F(RelayTlsTest, ABrokenHandshakeIsFollowedByPlainInTheSameAttempt) {
  peer().script.tls = nullptr;
  start();
  const MailId id = send();
  bed.run_for(minutes(2));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(peer().log.connections, 2u);
  EXPECT_EQ(peer().log.messages.size(), 1u);
}

TEST_F(RelayTlsTest, ARouteThatRequiresTlsNeverGoesPlain) {
  peer().script.tls = nullptr;
  start({route(config::RouteTls::required)});
  const MailId id = send();
  bed.run_for(minutes(30));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_TRUE(peer().log.messages.empty());
  peer().script.extensions = "PIPELINING";  // not even offered
  bed.run_for(minutes(30));
  EXPECT_TRUE(peer().log.messages.empty());
}

TEST_F(RelayTlsTest, ARouteThatVerifiesRefusesAStrangersCertificate) {
  start({route(config::RouteTls::verified)});
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_TRUE(peer().log.messages.empty());
}

TEST_F(RelayTlsTest, ALoginIsUsedUnderTls) {
  peer().script.replies["EHLO"] = "250-peer.example\n250-STARTTLS\n250 AUTH PLAIN";
  start({route(config::RouteTls::required, true)});
  const MailId id = send();
  bed.run_for(seconds(5));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_TRUE(std::ranges::any_of(peer().log.commands,
                                  [](const std::string& command) { return command.starts_with("AUTH PLAIN "); }));
}

TEST_F(RelayTlsTest, ARefusedLoginKeepsTheMailAndTheSecret) {
  peer().script.replies["EHLO"] = "250-peer.example\n250-STARTTLS\n250 AUTH PLAIN";
  peer().script.replies["AUTH"] =
      fmt::format("535-5.7.8 wrong: {}\n535 5.7.8 AGFscGhhAGNvcnJlY3QtaG9yc2UtYmF0dGVyeQ== it was", secret);
  start({route(config::RouteTls::required, true)});
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_TRUE(bed.waits(id)) << "said of us, not of the mail";
  const std::string story = bed.store.story(id);
  EXPECT_NE(story.find("535"), std::string::npos);
  EXPECT_EQ(story.find(secret), std::string::npos);
  // base64 of NUL alpha NUL secret, in part
  EXPECT_EQ(story.find("AGFscGhhAGNvcnJlY3Q"), std::string::npos);
  for (const auto& [key, row] : bed.store.recipients) {
    EXPECT_NE(row.last_reply.find("535"), std::string::npos);
    EXPECT_EQ(row.last_reply.find(secret), std::string::npos);
  }
}

}  // namespace
}  // namespace posthorn::relay
