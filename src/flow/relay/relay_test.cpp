// The relay against peers that fail at every stage, on virtual time (RFC 5321 5.1, STANDARDS.md section 3).
#include "flow/relay/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/queue/envelope.h"
#include "flow/relay/shared.h"
#include "flow/relay/targets.h"
#include "flow/test_support/queue_bed.h"
#include "flow/test_support/scripted_peer.h"
#include "standards/dns/zone.h"

namespace posthorn::relay {
namespace {

using flow_test::Fault;
using flow_test::PeerNetwork;
using flow_test::QueueBed;
using flow_test::ScriptedPeer;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* two_hosts =
    "beta.example. MX 10 mx1.beta.example.\n"
    "beta.example. MX 20 mx2.beta.example.\n"
    "mx1.beta.example. A 192.0.2.1\n"
    "mx2.beta.example. A 192.0.2.2\n";

/// On top of the message, as recipients' own fields are.
void add_to_header(storage::QueueRow& mail, std::string_view field) {
  mail.octets.header_block += field;
  mail.octets.size += field.size();
}

class RelayTest : public ::testing::Test {
 protected:
  ~RelayTest() override {
    if (bed.queue) bed.stop();
  }
  void start(const std::string& zone_text, const std::vector<config::Route>& routes = {}) {
    auto zone = dns::Zone::parse(zone_text);
    ASSERT_TRUE(zone) << (zone ? "" : zone.error().text());
    resolver = std::make_unique<dns::ZoneFileResolver>(std::move(*zone));
    options.host_name = "mx.alpha.example";
    Surroundings with{{&bed.net_loop}, &network, resolver.get(), &bed.store, tls.get(), &bed.random};
    office = std::make_unique<RelayOffice>(with, options, queue::Routes(routes));
    bed.start(*office, {}, queue::Routes(routes));
  }
  ScriptedPeer& mx1() { return network.peer("192.0.2.1"); }
  ScriptedPeer& mx2() { return network.peer("192.0.2.2"); }
  MailId send(const std::string& to = "bob@beta.example") { return bed.send("ann@alpha.example", {to}); }
  [[nodiscard]] std::size_t failed() const { return bed.acceptor.count("Action: failed"); }

  QueueBed bed;
  PeerNetwork network{bed.group};
  Options options;
  std::unique_ptr<dns::ZoneFileResolver> resolver;
  std::unique_ptr<RelayOffice> office;
  std::unique_ptr<net::ClientTls> tls;  // none: no TLS at all
};

TEST_F(RelayTest, TheBestHostTakesTheMailUnchanged) {
  mx1();
  mx2();
  start(two_hosts);
  const MailId id = send();
  bed.run_for(seconds(1));
  ASSERT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_EQ(mx2().log.connections, 0u);
  EXPECT_NE(mx1().log.messages[0].find("Subject: news\r\n\r\nHello.\r\n..dot"), std::string::npos) << "dot-stuffed";
  EXPECT_FALSE(bed.waits(id));
  const std::string story = bed.store.story(id);
  EXPECT_NE(story.find("mx1.beta.example"), std::string::npos);
  EXPECT_NE(story.find("queued as 1"), std::string::npos);
}

TEST_F(RelayTest, HeaderBlockAndContentGoOutInOneWrite) {
  mx1();
  start(two_hosts);
  bed.send("ann@alpha.example", {"bob@beta.example"}, [](storage::QueueRow& row, auto&) {
    row.octets.header_block = "Received: from client.example\r\n";
    row.octets.size += row.octets.header_block.size();
  });
  bed.run_for(seconds(1));
  ASSERT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_TRUE(mx1().log.messages[0].starts_with("Received: from client.example\r\n"));
  EXPECT_EQ(mx1().log.message_reads, 1u) << "each write wakes the peer";
}

TEST_F(RelayTest, TheConnectionCarriesTheNextMailToo) {
  mx1();
  start(two_hosts);
  for (int i = 0; i < 3; ++i) {
    send();
    bed.run_for(seconds(1));
  }
  EXPECT_EQ(mx1().log.messages.size(), 3u);
  EXPECT_EQ(mx1().log.connections, 1u);
}

TEST_F(RelayTest, AConnectionThePeerClosedMeanwhileIsMadeAnew) {
  mx1();
  start(two_hosts);
  send();
  bed.run_for(seconds(1));
  mx1().script.faults["MAIL"] = Fault::cut;
  mx1().script.faults_happen_once = true;
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.connections, 2u);
  EXPECT_EQ(bed.store.story(id).find("lost"), std::string::npos) << "a stale connection is no failure";
}

TEST_F(RelayTest, AConnectionThatThePeerTiredOfIsMadeAnew) {
  mx1();
  start(two_hosts);
  send();
  bed.run_for(seconds(1));
  mx1().script.replies_once["MAIL"] = "421 4.4.2 timeout exceeded";
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.connections, 2U);
  EXPECT_EQ(bed.store.story(id).find("421"), std::string::npos) << "it was said to the wait, not to the mail";
}

// RFC 9422: five recipients to a peer that takes two a mail and one mail a connection.
TEST_F(RelayTest, FewMailsAConnectionAskForMoreConnections) {
  mx1().script.replies["EHLO"] = "250-peer.example\n250-PIPELINING\n250 LIMITS MAILMAX=1 RCPTMAX=2";
  start(two_hosts);
  const MailId id = bed.send(
      "ann@alpha.example", {"a@beta.example", "b@beta.example", "c@beta.example", "d@beta.example", "e@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.messages.size(), 3U);
  EXPECT_EQ(mx1().log.connections, 3U);
}

// RFC 5321 4.2.4.2, and only what is left to do where no host has TLS: in plain.
TEST_F(RelayTest, ANoToStarttlsMovesToTheNextHost) {
  tls = net::ClientTls::make({.ca_file = {}, .use_system_store = false}).value();
  mx1().script.extensions = "PIPELINING STARTTLS";
  mx1().script.replies["STARTTLS"] = "554 5.7.0 not now";
  mx2();
  start(two_hosts);
  EXPECT_FALSE(bed.waits([&] {
    const MailId id = send();
    bed.run_for(seconds(1));
    return id;
  }()));
  EXPECT_EQ(mx1().log.messages.size(), 0U);
  EXPECT_EQ(mx2().log.messages.size(), 1U);
}

TEST_F(RelayTest, WhereNoHostHasTlsTheMailGoesInPlain) {
  tls = net::ClientTls::make({.ca_file = {}, .use_system_store = false}).value();
  mx1().script.extensions = "PIPELINING STARTTLS";
  mx1().script.replies["STARTTLS"] = "454 4.7.0 not now";
  mx2().script.refuses = true;
  start(two_hosts);
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.messages.size(), 1U);
  EXPECT_EQ(mx1().log.connections, 2U);
  EXPECT_NE(bed.store.story(id).find("454 4.7.0 not now"), std::string::npos);
}

// RFC 3464 2.3.6: the reply as it was said, without a status of ours.
TEST_F(RelayTest, AReplyIsReportedInItsOwnWords) {
  mx1().script.replies["RCPT"] = "550 no such user";
  start(two_hosts);
  send();
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.acceptor.count("Diagnostic-Code: smtp; 550 no such user"), 1U);
  EXPECT_EQ(bed.acceptor.count("Status: 5.0.0"), 1U);
}

TEST_F(RelayTest, OneOfThreeRefusedIsDeliveredToTwoWithOneBounce) {
  mx1().script.rcpt = [](const std::string& command) {
    return command.find("eve") != std::string::npos ? "550 5.1.1 no such user" : "250 2.1.5 ok";
  };
  start(two_hosts);
  bed.send("ann@alpha.example", {"bob@beta.example", "eve@beta.example", "joe@beta.example"});
  bed.run_for(seconds(1));
  EXPECT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_TRUE(bed.store.recipients.empty());
  EXPECT_EQ(bed.acceptor.messages.size(), 1u);
  EXPECT_EQ(bed.acceptor.count("Status: 5.1.1"), 1u);
  EXPECT_EQ(bed.acceptor.count("Remote-MTA: dns; mx1.beta.example"), 1u);
}

// 5yz: final to MAIL, RCPT, DATA and the message whatever other hosts there are; in greeting and EHLO said of the host.
struct StageCase {
  const char* stage;
  const char* reply;
  bool final_;
};
class StageTest : public RelayTest, public ::testing::WithParamInterface<StageCase> {};

TEST_P(StageTest, PermanentRepliesAreFinalOnlyWhereTheyAreSaidOfTheMail) {
  const StageCase& what = GetParam();
  mx1().script.replies[what.stage] = what.reply;
  mx2();
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(failed(), what.final_ ? 1u : 0u);
  EXPECT_EQ(mx2().log.messages.size(), what.final_ ? 0u : 1u);
}
INSTANTIATE_TEST_SUITE_P(
    Stages, StageTest,
    ::testing::Values(StageCase{"greeting", "554 5.3.2 go away", false}, StageCase{"greeting", "421 4.3.2 busy", false},
                      StageCase{"EHLO", "554 5.5.0 not you", false}, StageCase{"MAIL", "550 5.7.1 no", true},
                      StageCase{"MAIL", "451 4.3.0 later", false}, StageCase{"RCPT", "550 5.1.1 no", true},
                      StageCase{"RCPT", "450 4.2.0 greylisted", false}, StageCase{"DATA", "554 5.5.1 no", true},
                      StageCase{"DATA", "451 4.3.0 later", false}, StageCase{"message", "554 5.6.0 no", true},
                      StageCase{"message", "452 4.3.1 full", false}));

// Whatever goes wrong at the first host before the end of the message, the second one takes the mail.
struct FaultCase {
  const char* stage;
  Fault fault;
};
class FaultTest : public RelayTest, public ::testing::WithParamInterface<FaultCase> {};

TEST_P(FaultTest, TheNextHostTakesTheMail) {
  mx1().script.faults[GetParam().stage] = GetParam().fault;
  mx2();
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(40));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx2().log.messages.size(), 1u);
  EXPECT_TRUE(bed.acceptor.messages.empty());
}
INSTANTIATE_TEST_SUITE_P(Faults, FaultTest,
                         ::testing::Values(FaultCase{"greeting", Fault::cut}, FaultCase{"greeting", Fault::stall},
                                           FaultCase{"greeting", Fault::garbage}, FaultCase{"EHLO", Fault::cut},
                                           FaultCase{"EHLO", Fault::stall}, FaultCase{"EHLO", Fault::garbage},
                                           FaultCase{"MAIL", Fault::cut}, FaultCase{"MAIL", Fault::stall},
                                           FaultCase{"MAIL", Fault::garbage}, FaultCase{"RCPT", Fault::cut},
                                           FaultCase{"RCPT", Fault::stall}, FaultCase{"RCPT", Fault::garbage},
                                           FaultCase{"DATA", Fault::cut}, FaultCase{"DATA", Fault::stall},
                                           FaultCase{"DATA", Fault::garbage}));

TEST_F(RelayTest, AConnectionDroppedAfterTheFinalDotIsPassedOverElseTriedAgain) {
  mx1().script.faults["message"] = Fault::cut;
  mx2().script.refuses = true;
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_TRUE(bed.acceptor.messages.empty());
  mx2().script.refuses = false;
  bed.run_for(minutes(10));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx2().log.messages.size(), 1u);
}

TEST_F(RelayTest, ALateGreetingIsWaitedFor) {
  mx1().script.greeting_delay = minutes(4);
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(5));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.messages.size(), 1u);
}

TEST_F(RelayTest, AFailedAttemptKeepsItsDialogue) {
  mx1().script.replies["RCPT"] = "450 4.2.0 come back later";
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(1));
  const std::string story = bed.store.story(id);
  EXPECT_NE(story.find("C: MAIL FROM:<ann@alpha.example>"), std::string::npos);
  EXPECT_NE(story.find("S: 450 4.2.0 come back later"), std::string::npos);
  EXPECT_NE(bed.row(id).last_reply.find("450 4.2.0"), std::string::npos);
}

TEST_F(RelayTest, AllHostsDownForThreeDaysThenUpIsDeliveredWithOneNotice) {
  mx1().script.refuses = true;
  mx2().script.refuses = true;
  start(two_hosts);
  const MailId id = send();
  bed.run_for(hours(72));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.count("Action: delayed"), 1u);
  mx2().script.refuses = false;
  bed.run_for(hours(5));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx2().log.messages.size(), 1u);
  EXPECT_EQ(bed.acceptor.messages.size(), 1u) << "no bounce";
}

// ---------------------------------------------------------------- routing

TEST_F(RelayTest, NullMxBouncesInUnderASecond) {
  start("beta.example. MX 0 .\nbeta.example. A 192.0.2.1\n");
  mx1();
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.count("Status: 5.1.10"), 1u);
  EXPECT_TRUE(network.dialled.empty());
}

TEST_F(RelayTest, ServfailIsNotNoMx) {
  mx1();
  start(";; servfail beta.example MX\nbeta.example. A 192.0.2.1\n");
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_TRUE(network.dialled.empty());
  EXPECT_NE(bed.row(id).last_reply.find("4.4.3"), std::string::npos);
}

TEST_F(RelayTest, ImplicitMx) {
  mx1();
  start("beta.example. A 192.0.2.1\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.messages.size(), 1u);
}

TEST_F(RelayTest, AnUnknownDomainIsReturnedAtOnce) {
  start("alpha.example. A 192.0.2.9\n");
  const MailId id = send("bob@nowhere.example");
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.count("Status: 5.1.2"), 1u);
}

TEST_F(RelayTest, MxWithoutAddressNeverFallsBackToTheDomainsOwn) {
  mx1();
  start("beta.example. MX 10 gone.beta.example.\nbeta.example. A 192.0.2.1\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_TRUE(network.dialled.empty());
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.count("Status: 5.4.4"), 1u);
}

TEST_F(RelayTest, OurselvesInTheListEndsItThere) {
  mx1();
  mx2();
  start(
      "beta.example. MX 10 mx.alpha.example.\nbeta.example. MX 20 mx2.beta.example.\n"
      "mx.alpha.example. A 192.0.2.1\nmx2.beta.example. A 192.0.2.2\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_TRUE(network.dialled.empty());
  EXPECT_EQ(bed.acceptor.count("Status: 5.4.6"), 1u);
}

TEST_F(RelayTest, OurselvesByAddressUnderAnotherName) {
  options.own_addresses = {*IpAddress::parse("192.0.2.2")};
  mx1().script.refuses = true;
  mx2();
  start(two_hosts);
  const MailId id = send();
  bed.run_for(minutes(1));
  EXPECT_TRUE(bed.waits(id)) << "the better host is only down";
  EXPECT_EQ(mx2().log.connections, 0u);
}

TEST_F(RelayTest, PrivateTargetsAreNeverConnectedTo) {
  network.peer("127.0.0.1");
  network.peer("169.254.169.254");
  start("beta.example. MX 10 lo.beta.example.\nlo.beta.example. A 127.0.0.1\nlo.beta.example. A 169.254.169.254\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_TRUE(network.dialled.empty());
  EXPECT_EQ(bed.acceptor.count("Status: 5.4.6"), 1u);
}

TEST_F(RelayTest, PrivateTargetsAreFineWhereTheOperatorSaysSo) {
  options.allow_private = true;
  network.peer("127.0.0.3");
  start("beta.example. MX 10 lo.beta.example.\nlo.beta.example. A 127.0.0.3\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(network.peer("127.0.0.3").log.messages.size(), 1u);
}

// RFC 5321 5.1 speaks of MX records, which anybody can publish; a route is the operator's own word.
TEST_F(RelayTest, ARouteMayLeadToAPrivateHost) {
  network.peer("127.0.0.3");
  network.peer("10.0.0.7");
  config::Route by_address, by_name;
  by_address.domain = "beta.example";
  by_address.host = "127.0.0.3";
  by_name.domain = "gamma.example";
  by_name.host = "smart.alpha.example";
  start("smart.alpha.example. A 10.0.0.7\n", {by_address, by_name});
  const MailId first = send(), second = send("bob@gamma.example");
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(first));
  EXPECT_FALSE(bed.waits(second));
  EXPECT_EQ(network.peer("127.0.0.3").log.messages.size(), 1U);
  EXPECT_EQ(network.peer("10.0.0.7").log.messages.size(), 1U);
}

// What is wrong with a route is mended by the operator: nobody's mail is returned for it.
TEST_F(RelayTest, ARouteThatLeadsNowhereKeepsTheMail) {
  config::Route route;
  route.domain = "beta.example";
  route.host = "smrat.alpha.example";
  start("smart.alpha.example. A 192.0.2.1\n", {route});
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_EQ(bed.acceptor.messages.size(), 0U);
  EXPECT_NE(bed.store.story(id).find("4.4.4 the route of domain beta.example: smrat.alpha.example has no address"),
            std::string::npos);
}

TEST_F(RelayTest, AnAliasedMxIsFollowedWithANote) {
  mx1();
  start(
      "beta.example. MX 10 mail.beta.example.\nmail.beta.example. CNAME mx1.beta.example.\n"
      "mx1.beta.example. A 192.0.2.1\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_NE(bed.store.story(id).find("is an alias (CNAME) of mx1.beta.example"), std::string::npos);
}

TEST_F(RelayTest, AVersion6FailureFallsToVersion4InTheSameAttempt) {
  mx1();
  network.peer("2001:db8::1").script.refuses = true;
  start("beta.example. MX 10 mx.beta.example.\nmx.beta.example. AAAA 2001:db8::1\nmx.beta.example. A 192.0.2.1\n");
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(network.dialled, (std::vector<std::string>{"[2001:db8::1]:25", "192.0.2.1:25"}));
}

TEST_F(RelayTest, AnAddressLiteralIsGoneToDirectly) {
  mx1();
  start("alpha.example. A 192.0.2.9\n");
  const MailId id = send("bob@[192.0.2.1]");
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(mx1().log.messages.size(), 1u);
}

TEST_F(RelayTest, AStaticRouteComesBeforeTheMx) {
  mx1();
  network.peer("192.0.2.7");
  config::Route route;
  route.domain = "beta.example";
  route.host = "smart.alpha.example";
  route.port = 2525;
  start(std::string(two_hosts) + "smart.alpha.example. A 192.0.2.7\n", {route});
  const MailId id = send();
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  EXPECT_EQ(network.dialled, std::vector<std::string>{"192.0.2.7:2525"});
}

// ---------------------------------------------------------------- extensions

TEST_F(RelayTest, DsnRequestsArePassedOn) {
  mx1();
  start(two_hosts);
  bed.send("ann@alpha.example", {"bob@beta.example"}, [](storage::QueueRow& mail, auto& rows) {
    mail.envelope_id = "QQ314";
    mail.ret = "HDRS";
    rows[0].notify = queue::notify_bits(*smtp::Notify::parse("SUCCESS,FAILURE"));
    rows[0].original = "rfc822;Bob@beta.example";
  });
  bed.run_for(seconds(1));
  std::string all;
  for (const std::string& command : mx1().log.commands) all += command + "\n";
  EXPECT_NE(all.find("RET=HDRS"), std::string::npos);
  EXPECT_NE(all.find("ENVID=QQ314"), std::string::npos);
  EXPECT_NE(all.find("NOTIFY=SUCCESS,FAILURE"), std::string::npos);
  EXPECT_NE(all.find("ORCPT=rfc822;Bob@beta.example"), std::string::npos);
  EXPECT_TRUE(bed.acceptor.messages.empty()) << "the peer reports success";
}

TEST_F(RelayTest, APeerWithoutDsnMakesUsReportRelayed) {
  mx1().script.extensions = "PIPELINING";
  start(two_hosts);
  bed.send("ann@alpha.example", {"bob@beta.example"}, [](storage::QueueRow&, auto& rows) {
    rows[0].notify = queue::notify_bits(*smtp::Notify::parse("SUCCESS"));
  });
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.acceptor.count("Action: relayed"), 1u);
}

TEST_F(RelayTest, EightBitGoesToTheHostThatTakesItElseIsReturned) {
  mx1().script.extensions = "PIPELINING";
  mx2();
  start(two_hosts);
  bed.text = "Gr\u00fc\u00dfe\r\n";
  const auto eight_bit = [](storage::QueueRow& mail, auto&) { mail.eight_bit = true; };
  bed.send("ann@alpha.example", {"bob@beta.example"}, eight_bit);
  bed.run_for(seconds(1));
  EXPECT_EQ(mx1().log.messages.size(), 0u);
  EXPECT_EQ(mx2().log.messages.size(), 1u);
  mx2().script.extensions = "PIPELINING";
  bed.run_for(minutes(1));
  bed.send("ann@alpha.example", {"bob@beta.example"}, eight_bit);
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.acceptor.count("Status: 5.6.3"), 1u);
  EXPECT_TRUE(bed.store.recipients.empty());
}

TEST_F(RelayTest, SmtpUtf8GoesToTheHostThatTakesItElseIsReturned) {
  mx1();
  mx2().script.extensions = "PIPELINING 8BITMIME SMTPUTF8";
  start(two_hosts);
  const auto utf8 = [](storage::QueueRow& mail, auto&) {
    mail.smtputf8 = mail.eight_bit = true;
    add_to_header(mail, "Subject: Gr\u00fc\u00dfe\r\n");
  };
  bed.send("ann@alpha.example", {"bob@beta.example"}, utf8);
  bed.run_for(seconds(1));
  EXPECT_EQ(mx2().log.messages.size(), 1u);
  mx2().script.extensions = "PIPELINING 8BITMIME";
  bed.run_for(minutes(1));
  bed.send("ann@alpha.example", {"bob@beta.example"}, utf8);
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.acceptor.count("Status: 5.6.7"), 1u);
}

// RFC 6152 3: the octets need 8BITMIME, not what was said of them.
TEST_F(RelayTest, AsciiThatWasDeclaredEightBitGoesAnywhere) {
  mx1().script.extensions = "PIPELINING";
  start(two_hosts);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"},
                             [](storage::QueueRow& mail, auto&) { mail.eight_bit = true; });
  bed.run_for(seconds(1));
  EXPECT_FALSE(bed.waits(id));
  ASSERT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_THAT(mx1().log.messages[0], testing::EndsWith("Hello.\r\n..dot"));
  EXPECT_THAT(mx1().log.commands, testing::Contains("MAIL FROM:<ann@alpha.example>"));
}

TEST_F(RelayTest, AnEightBitOctetInTheHeaderBlockAloneIsSeenToo) {
  mx1().script.extensions = "PIPELINING";
  mx2().script.extensions = "PIPELINING";
  start(two_hosts);
  bed.send("ann@alpha.example", {"bob@beta.example"}, [](storage::QueueRow& mail, auto&) {
    mail.eight_bit = true;
    add_to_header(mail, "X-Note: \u00fc\r\n");
  });
  bed.run_for(seconds(1));
  EXPECT_TRUE(mx1().log.messages.empty() && mx2().log.messages.empty());
  EXPECT_EQ(bed.acceptor.count("Status: 5.6.3"), 1u);
}

// RFC 6531 3.4: SMTPUTF8 is for what requires it, the message's header fields or an address.
TEST_F(RelayTest, AsciiHeaderAndAddressesGoWithoutSmtpUtf8) {
  mx1().script.extensions = "PIPELINING 8BITMIME";
  mx2().script.extensions = "PIPELINING 8BITMIME";
  start(two_hosts);
  const auto utf8 = [](storage::QueueRow& mail, auto&) { mail.smtputf8 = mail.eight_bit = true; };
  bed.text = "Gr\u00fc\u00dfe\r\n";
  bed.send("ann@alpha.example", {"bob@beta.example"}, utf8);
  bed.run_for(seconds(1));
  ASSERT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_THAT(mx1().log.commands, testing::Contains("MAIL FROM:<ann@alpha.example> BODY=8BITMIME"));
  bed.send("ann@alpha.example", {"\u03b4@beta.example"}, utf8);
  bed.run_for(seconds(1));
  EXPECT_EQ(mx1().log.messages.size(), 1u);
  EXPECT_EQ(bed.acceptor.count("Status: 5.6.7"), 1u) << "the address is not ASCII";
}

TEST_F(RelayTest, AMessageThatCannotBeReadForItsNeedsWaits) {
  mx1().script.extensions = "PIPELINING";
  start(two_hosts);
  const MailId id = bed.send("ann@alpha.example", {"bob@beta.example"}, [](storage::QueueRow& mail, auto&) {
    mail.eight_bit = true;
    mail.octets.content = MailId{1};  // of which there is none
  });
  bed.run_for(seconds(1));
  EXPECT_TRUE(bed.waits(id));
  EXPECT_TRUE(bed.acceptor.messages.empty());
}

TEST_F(RelayTest, TooLargeForEveryHostIsReturned) {
  mx1().script.extensions = "SIZE=10";  // not a size: no limit told
  mx1().script.replies["EHLO"] = "250-peer.example\n250 SIZE 20";
  mx2().script.replies["EHLO"] = "250-peer.example\n250 SIZE 20";
  start(two_hosts);
  send();
  bed.run_for(seconds(1));
  EXPECT_EQ(bed.acceptor.count("Status: 5.3.4"), 1u);
}

TEST_F(RelayTest, RecipientsBeyondThePeersLimitGoInAnotherTransaction) {
  int refused = 0;
  mx1().script.rcpt = [&refused](const std::string& command) {
    const bool too_many = command.find("<c@") != std::string::npos && refused++ == 0;
    return too_many ? "452 4.5.3 too many recipients" : "250 2.1.5 ok";
  };
  start(two_hosts);
  bed.send("ann@alpha.example",
           {"a@beta.example", "b@beta.example", "c@beta.example", "d@beta.example", "e@beta.example"});
  bed.run_for(seconds(5));
  EXPECT_TRUE(bed.store.recipients.empty());
  EXPECT_EQ(mx1().log.messages.size(), 2u);
  EXPECT_EQ(mx1().log.connections, 1u);
}

// ---------------------------------------------------------------- the choice among equals

Task<> first_of(const RelayOffice::Shared& shared, std::map<std::string, int>& first, int times) {
  for (int i = 0; i < times; ++i) {
    Targets targets(shared, "beta.example");
    const std::vector<Target> group = co_await targets.next_group();
    ++first[group.front().host];
  }
}

TEST_F(RelayTest, FourEqualHostsAreEachFirstAboutAQuarterOfTheTime) {
  start(
      "beta.example. MX 30 a.beta.example.\nbeta.example. MX 30 b.beta.example.\n"
      "beta.example. MX 30 c.beta.example.\nbeta.example. MX 30 d.beta.example.\n"
      "beta.example. MX 40 e.beta.example.\n"
      "a.beta.example. A 192.0.2.1\nb.beta.example. A 192.0.2.2\nc.beta.example. A 192.0.2.3\n"
      "d.beta.example. A 192.0.2.4\ne.beta.example. A 192.0.2.5\n");
  const RelayOffice::Shared shared{
      {{&bed.net_loop}, &network, resolver.get(), &bed.store, nullptr, &bed.random}, options, {}, nullptr};
  std::map<std::string, int> first;
  runtime::spawn(bed.group, bed.loop.executor(), "draw", first_of(shared, first, 1000));
  bed.loop.run_ready();
  EXPECT_EQ(first.size(), 4u);
  for (const auto& [host, times] : first) {
    EXPECT_GT(times, 200) << host;
    EXPECT_LT(times, 300) << host;
  }
}

}  // namespace
}  // namespace posthorn::relay
