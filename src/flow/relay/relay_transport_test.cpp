// MTA-STS, DANE and REQUIRETLS of the relay: real handshakes over memory, zones in memory, policies as a test serves
// them, on virtual time (RFC 8461, RFC 7672, RFC 8689).
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flow/relay/relay.h"
#include "flow/relay/tls_ledger.h"
#include "flow/test_support/queue_bed.h"
#include "flow/test_support/scripted_peer.h"
#include "foundation/codec/hex.h"
#include "foundation/crypto/certificate.h"
#include "foundation/crypto/hash.h"
#include "platform/net/certificate.h"
#include "standards/dns/zone.h"

namespace posthorn::relay {
namespace {

using flow_test::PeerNetwork;
using flow_test::QueueBed;
using flow_test::ScriptedPeer;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using tls_rpt::ResultType;

const TimePoint kFrom = from_unix_seconds(1'500'000'000), kUntil = from_unix_seconds(4'000'000'000);

/// What the policy hosts of the world serve.
class ServedPolicies final : public PolicyFetcher {
 public:
  Task<Result<std::string, PolicyProblem>> fetch(std::string domain) override {
    ++fetches;
    const auto found = bodies.find(domain);
    if (found == bodies.end()) co_return fail(problem);
    co_return found->second;
  }
  std::map<std::string, std::string> bodies;
  PolicyProblem problem{ResultType::sts_policy_fetch_error, "no policy host"};
  int fetches = 0;
};

class SwitchedResolver final : public dns::Resolver {
 public:
  void serve(std::string_view zone) { zone_ = std::make_unique<dns::ZoneFileResolver>(dns::Zone::parse(zone).value()); }
  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override { return zone_->resolve(name, type); }

 private:
  std::unique_ptr<dns::ZoneFileResolver> zone_;
};

constexpr const char* kHosts =
    "beta.example. MX 10 mx1.beta.example.\nbeta.example. MX 20 mx2.beta.example.\n"
    "mx1.beta.example. A 192.0.2.1\nmx2.beta.example. A 192.0.2.2\n";
constexpr const char* kOneHost = "beta.example. MX 10 mx1.beta.example.\nmx1.beta.example. A 192.0.2.1\n";
constexpr const char* kSigned = ";; secure example\n";

std::string sts(std::string_view id) {
  return fmt::format("_mta-sts.beta.example. TXT \"v=STSv1; id={};\"\n", id);
}
std::string policy(std::string_view mode, std::string_view mx, unsigned max_age = 604800) {
  return fmt::format("version: STSv1\nmode: {}\nmx: {}\nmax_age: {}\n", mode, mx, max_age);
}

class RelayTransportTest : public ::testing::Test {
 protected:
  RelayTransportTest() {
    const auto ca_file = folder_ / "ca.pem";
    std::filesystem::create_directories(folder_);
    std::ofstream(ca_file) << authority_.authority_pem();
    client_tls_ = *net::ClientTls::make({.ca_file = ca_file, .use_system_store = false});
    for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
      network.peer(address).script.extensions = "PIPELINING 8BITMIME STARTTLS REQUIRETLS";
    }
    present("192.0.2.1", {"mx1.beta.example"});
    present("192.0.2.2", {"mx2.beta.example"});
  }
  ~RelayTransportTest() override {
    if (bed.queue) bed.stop();
    std::filesystem::remove_all(folder_);
  }

  /// The peer shows a certificate of these names, issued by the CA that is trusted here.
  void present(const std::string& address, std::vector<std::string> names, TimePoint until = kUntil) {
    present_chain(address, *authority_.issue({std::move(names), kFrom, until}));
  }
  void present_chain(const std::string& address, const net::CertificateAndKey& certificate) {
    chains_[address] = certificate.chain_pem;
    servers_.push_back(*net::ServerTls::make({certificate}));
    network.peer(address).script.tls = servers_.back().get();
  }
  /// "3 1 1 …" of what the peer shows.
  std::string tlsa_of(const std::string& address) {
    const auto chain = *crypto::Certificate::from_pem(chains_.at(address));
    return "3 1 1 " + codec::hex_encode(crypto::sha256(chain.front().public_key_der()));
  }
  static std::string tlsa(std::string_view host, std::string_view record) {
    return fmt::format("_25._tcp.{}. TLSA {}\n", host, record);
  }

  void start(const std::string& zone) {
    resolver.serve(zone);
    policies = std::make_unique<StsPolicies>(bed.store, resolver, fetcher, bed.clock);
    options.host_name = "mx.alpha.example";
    Surroundings with{{&bed.net_loop}, &network, &resolver, &bed.store, client_tls_.get(), &bed.random, policies.get()};
    office = std::make_unique<RelayOffice>(with, options, queue::Routes(std::vector<config::Route>{}));
    office->observe([this](const TlsOutcome& outcome) {
      outcomes.push_back(outcome);
      ledger.note(outcome);
    });
    bed.start(*office);
  }
  MailId send(const std::function<void(storage::QueueRow&)>& change = {}) {
    return bed.send("ann@alpha.example", {"bob@beta.example"}, [&](storage::QueueRow& row, auto&) {
      if (change) change(row);
    });
  }
  /// Sends and says whether the mail is out within half a minute.
  bool goes_out(const std::function<void(storage::QueueRow&)>& change = {}) {
    last = send(change);
    bed.run_for(seconds(30));
    return !bed.waits(last);
  }
  /// The same after an attempt that failed: the queue leaves a host that did not take mail alone for a while.
  bool goes_out_later() {
    last = send();
    bed.run_for(hours(2));
    return !bed.waits(last);
  }
  [[nodiscard]] std::string story() { return bed.store.story(last); }
  ScriptedPeer& mx1() { return network.peer("192.0.2.1"); }
  ScriptedPeer& mx2() { return network.peer("192.0.2.2"); }
  void await(Task<> task) {
    runtime::spawn(bed.group, bed.loop.executor(), "await", std::move(task));
    bed.loop.run_ready();
  }

  static Task<> keep(StsPolicies& policies, std::optional<StsFound>& out) {
    out = co_await policies.find("beta.example");
  }
  static Task<> read(storage::Store& store, std::string day, std::optional<tls_rpt::Report>& out) {
    out = co_await tls_day(store, std::move(day), "beta.example");
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("posthorn-transport-{}", getpid());
  net::CertificateAuthority authority_ = *net::CertificateAuthority::make("Test CA", kFrom, kUntil);
  std::map<std::string, std::string> chains_;
  std::vector<std::unique_ptr<net::ServerTls>> servers_;
  std::unique_ptr<net::ClientTls> client_tls_;
  QueueBed bed;
  PeerNetwork network{bed.group};
  SwitchedResolver resolver;
  ServedPolicies fetcher;
  std::unique_ptr<StsPolicies> policies;
  TlsLedger ledger{bed.store, bed.clock};
  Options options;
  std::unique_ptr<RelayOffice> office;
  std::vector<TlsOutcome> outcomes;
  MailId last;
};

// ---------------------------------------------------------------- MTA-STS

TEST_F(RelayTransportTest, EnforceDeliversToTheHostOfThePolicyAndSaysSo) {
  fetcher.bodies["beta.example"] = policy("enforce", "*.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
  EXPECT_TRUE(story().contains("certificate verified (MTA-STS enforce)")) << story();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].policy_type, tls_rpt::PolicyType::sts);
  EXPECT_EQ(outcomes[0].policy_domain, "beta.example");
  EXPECT_EQ(outcomes[0].mx_patterns, std::vector<std::string>{"*.beta.example"});
  EXPECT_FALSE(outcomes[0].failure);
}

struct BadCertificate {
  const char* what;
  std::vector<std::string> names;
  bool trusted;
  TimePoint until;
  ResultType result;
};
class BadCertificateTest : public RelayTransportTest, public ::testing::WithParamInterface<int> {
 protected:
  static BadCertificate one(int which) {
    switch (which) {
      case 0:
        return {"name", {"beta.example"}, true, kUntil, ResultType::certificate_host_mismatch};
      case 1:
        return {"dates", {"mx1.beta.example"}, true, kFrom + hours(1), ResultType::certificate_expired};
      default:
        return {"trust", {"mx1.beta.example"}, false, kUntil, ResultType::certificate_not_trusted};
    }
  }
  void present_it(const BadCertificate& bad) {
    if (bad.trusted)
      present("192.0.2.1", bad.names, bad.until);
    else
      present_chain("192.0.2.1", *net::make_self_signed({bad.names, kFrom, bad.until}));
  }
};

TEST_P(BadCertificateTest, EnforceKeepsTheMailAndNeverGoesPlain) {
  const BadCertificate bad = one(GetParam());
  present_it(bad);
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_FALSE(goes_out()) << bad.what;
  EXPECT_TRUE(mx1().log.messages.empty());
  EXPECT_TRUE(std::ranges::none_of(mx1().log.commands, [](const auto& c) { return c.starts_with("MAIL"); }));
  EXPECT_EQ(bed.row(last).last_reply.find("4.7.5") != std::string::npos, true) << bed.row(last).last_reply;
  ASSERT_FALSE(outcomes.empty());
  EXPECT_EQ(outcomes[0].failure, bad.result);
}

TEST_P(BadCertificateTest, TestingDeliversAndReports) {
  const BadCertificate bad = one(GetParam());
  present_it(bad);
  fetcher.bodies["beta.example"] = policy("testing", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out()) << bad.what;
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].failure, bad.result);
  EXPECT_TRUE(story().contains("MTA-STS testing"));
}
INSTANTIATE_TEST_SUITE_P(Certificates, BadCertificateTest, ::testing::Values(0, 1, 2));

TEST_F(RelayTransportTest, TheMxNameCountsNotWhatTheCertificateSays) {
  // The policy lists mx1; the MX is another host that shows a good certificate for a name of the policy.
  present("192.0.2.2", {"mx1.beta.example"});
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start("beta.example. MX 10 mx2.beta.example.\nmx2.beta.example. A 192.0.2.2\n" + sts("1"));
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(mx2().log.connections, 0U);
  EXPECT_TRUE(story().contains("does not list this host"));
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].failure, ResultType::validation_failure);
}

TEST_F(RelayTransportTest, TheHandshakeNamesTheMxHost) {
  // RFC 8461 4.2: SNI. The peer shows another certificate to who does not name it.
  const auto other = *authority_.issue({{"other.example"}, kFrom, kUntil});
  const auto mine = *authority_.issue({{"mx1.beta.example"}, kFrom, kUntil});
  servers_.push_back(*net::ServerTls::make({other, mine}));
  network.peer("192.0.2.1").script.tls = servers_.back().get();
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out()) << story();
}

TEST_F(RelayTransportTest, ThePolicyOfAParentIsNotThatOfItsSubdomain) {
  fetcher.bodies["beta.example"] = policy("enforce", "nobody.beta.example");
  start(std::string(kOneHost) + sts("1") +
        "sub.beta.example. MX 10 mx2.beta.example.\nmx2.beta.example. A 192.0.2.2\n");
  last = bed.send("ann@alpha.example", {"bob@sub.beta.example"}, [](storage::QueueRow&, auto&) {});
  bed.run_for(seconds(30));
  EXPECT_FALSE(bed.waits(last)) << story();
  EXPECT_EQ(fetcher.fetches, 0);
}

TEST_F(RelayTransportTest, AHostThatIsNotInThePolicyIsPassedOverForOneThatIs) {
  fetcher.bodies["beta.example"] = policy("enforce", "mx2.beta.example");
  start(std::string(kHosts) + sts("1"));
  EXPECT_TRUE(goes_out());
  EXPECT_EQ(mx1().log.connections, 0U);
  EXPECT_EQ(mx2().log.messages.size(), 1U);
}

TEST_F(RelayTransportTest, TestingDeliversToAHostThatIsNotInThePolicy) {
  fetcher.bodies["beta.example"] = policy("testing", "other.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].failure, ResultType::validation_failure);
}

TEST_F(RelayTransportTest, EnforceNeedsStarttlsAndTestingDoesNot) {
  mx1().script.extensions = "PIPELINING";
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_FALSE(goes_out());
  EXPECT_TRUE(mx1().log.messages.empty());
  ASSERT_FALSE(outcomes.empty());
  EXPECT_EQ(outcomes[0].failure, ResultType::starttls_not_supported);
  fetcher.bodies["beta.example"] = policy("testing", "mx1.beta.example");
  resolver.serve(std::string(kOneHost) + sts("2"));
  EXPECT_TRUE(goes_out_later());
}

TEST_F(RelayTransportTest, ModeNoneIsAsNoPolicy) {
  mx1().script.extensions = "PIPELINING";
  fetcher.bodies["beta.example"] = "version: STSv1\nmode: none\nmax_age: 86400\n";
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
}

TEST_F(RelayTransportTest, APolicyThatVanishedStaysInForceUntilItsTimeIsOver) {
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example", 86400);
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
  // Record and file are gone, and somebody else answers for the host.
  fetcher.bodies.clear();
  resolver.serve(kOneHost);
  present_chain("192.0.2.1", *net::make_self_signed({{"mx1.beta.example"}, kFrom, kUntil}));
  bed.run_for(minutes(10));  // the open connection rests
  EXPECT_FALSE(goes_out());
  EXPECT_TRUE(story().contains("stays in force until"));
  bed.run_for(hours(36));
  EXPECT_FALSE(bed.waits(last)) << "expired: opportunistic again";
}

TEST_F(RelayTransportTest, AStaleCacheIsReplacedWhenTheIdChanges) {
  fetcher.bodies["beta.example"] = policy("enforce", "old.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(fetcher.fetches, 1);
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(fetcher.fetches, 1) << "the same id is not fetched twice";
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  resolver.serve(std::string(kOneHost) + sts("2"));
  EXPECT_TRUE(goes_out_later());
  EXPECT_EQ(fetcher.fetches, 2);
}

TEST_F(RelayTransportTest, APolicyThatCannotBeHadIsNoneAndReportedAndNotAskedForAgainAtOnce) {
  for (const auto& [problem, body] : std::vector<std::pair<ResultType, std::string>>{
           {ResultType::sts_policy_fetch_error, ""},
           {ResultType::sts_webpki_invalid, ""},
           {ResultType::sts_policy_invalid, policy("training", "mx1.beta.example")}}) {
    fetcher.problem.type = problem;
    fetcher.bodies.clear();
    if (!body.empty()) fetcher.bodies["beta.example"] = body;
    fetcher.fetches = 0;
    outcomes.clear();
    if (!office) start(std::string(kOneHost) + sts("1"));
    bed.run_for(minutes(10));
    EXPECT_TRUE(goes_out());
    EXPECT_EQ(fetcher.fetches, 1);
    ASSERT_FALSE(outcomes.empty());
    EXPECT_EQ(outcomes[0].failure, problem);
    bed.run_for(minutes(2));  // the open connection rests
    EXPECT_TRUE(goes_out());
    EXPECT_EQ(fetcher.fetches, 1) << "five minutes between attempts (RFC 8461 3.3)";
  }
}

TEST_F(RelayTransportTest, ThePolicyOutlivesTheProcessAndIsRefreshedDaily) {
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
  ASSERT_EQ(bed.store.settings.count("mta-sts/beta.example"), 1U);

  StsPolicies after_restart(bed.store, resolver, fetcher, bed.clock);
  std::optional<StsFound> found;
  const auto ask = [&] { await(keep(after_restart, found)); };
  ask();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->mode(), mta_sts::Mode::enforce);
  EXPECT_EQ(fetcher.fetches, 1) << "from the store";

  bed.run_for(hours(25));
  fetcher.bodies["beta.example"] = policy("testing", "mx1.beta.example");
  await(after_restart.refresh());
  EXPECT_EQ(fetcher.fetches, 2);
  ask();
  EXPECT_EQ(found->mode(), mta_sts::Mode::testing);
  // A refresh that fails leaves what there is; what expires is forgotten.
  fetcher.bodies.clear();
  bed.run_for(hours(25));
  await(after_restart.refresh());
  ask();
  EXPECT_EQ(found->mode(), mta_sts::Mode::testing);
  bed.run_for(hours(24 * 8));
  await(after_restart.refresh());
  EXPECT_TRUE(bed.store.settings.empty());
}

// ---------------------------------------------------------------- DANE

TEST_F(RelayTransportTest, DaneTakesTheCertificateOfTheRecordsWhoeverIssuedIt) {
  present_chain("192.0.2.1", *net::make_self_signed({{"whatever.example"}, kFrom, kFrom + hours(1)}));
  start(std::string(kOneHost) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) + kSigned);
  EXPECT_TRUE(goes_out());
  EXPECT_TRUE(story().contains("authenticated by DANE (3 1 1 ")) << story();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].policy_type, tls_rpt::PolicyType::tlsa);
  EXPECT_EQ(outcomes[0].policy_domain, "mx1.beta.example");
  EXPECT_FALSE(outcomes[0].failure);
}

TEST_F(RelayTransportTest, DaneMismatchKeepsTheMailAndAPolicyFileDoesNotRescueIt) {
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  start(std::string(kOneHost) + tlsa("mx1.beta.example", "3 1 1 " + std::string(64, 'a')) + sts("1") + kSigned);
  EXPECT_FALSE(goes_out());
  EXPECT_TRUE(mx1().log.messages.empty());
  EXPECT_TRUE(bed.row(last).last_reply.contains("4.7.5")) << bed.row(last).last_reply;
  ASSERT_FALSE(outcomes.empty());
  EXPECT_EQ(outcomes[0].failure, ResultType::validation_failure);
}

TEST_F(RelayTransportTest, DaneRollOverGoesOnWithoutAStop) {
  const std::string next = "3 1 1 " + std::string(64, 'b');
  start(std::string(kOneHost) + tlsa("mx1.beta.example", next) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) +
        kSigned);
  EXPECT_TRUE(goes_out());
}

TEST_F(RelayTransportTest, AHostWhoseRecordsCannotBeLearnedIsPassedOver) {
  start(std::string(kHosts) + ";; bogus _25._tcp.mx1.beta.example TLSA\n" + kSigned);
  EXPECT_TRUE(goes_out());
  EXPECT_EQ(mx1().log.connections, 0U);
  EXPECT_EQ(mx2().log.messages.size(), 1U);
  ASSERT_FALSE(outcomes.empty());
  EXPECT_EQ(outcomes[0].failure, ResultType::dnssec_invalid);
  resolver.serve(std::string(kOneHost) + ";; servfail _25._tcp.mx1.beta.example TLSA\n" + kSigned);
  bed.run_for(minutes(10));
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(mx1().log.connections, 0U);
}

TEST_F(RelayTransportTest, UnsignedZonesHaveNoDane) {
  const std::string wrong = tlsa("mx1.beta.example", "3 1 1 " + std::string(64, 'a'));
  start(std::string(kOneHost) + wrong);
  EXPECT_TRUE(goes_out());
  // Signed addresses behind an MX that is not: nobody knows that this is the host that was meant.
  resolver.serve(std::string(kOneHost) + wrong + ";; secure mx1.beta.example\n");
  bed.run_for(minutes(10));
  EXPECT_TRUE(goes_out());
}

TEST_F(RelayTransportTest, RecordsThatCannotBeUsedAskForTlsAlone) {
  present_chain("192.0.2.1", *net::make_self_signed({{"whatever.example"}, kFrom, kUntil}));
  const std::string zone = std::string(kOneHost) + tlsa("mx1.beta.example", "1 1 1 " + std::string(64, 'a')) + kSigned;
  start(zone);
  EXPECT_TRUE(goes_out());
  EXPECT_TRUE(story().contains("not authenticated"));
  mx1().script.extensions = "PIPELINING";
  bed.run_for(minutes(10));
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(mx1().log.messages.size(), 1U);
}

TEST_F(RelayTransportTest, TlsaStandsAtPort25WhateverPortMailGoesTo) {
  options.mx_port = 2525;
  start(std::string(kOneHost) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) +
        "_2525._tcp.mx1.beta.example. TLSA 3 1 1 " + std::string(64, 'a') + "\n" + kSigned);
  EXPECT_TRUE(goes_out());
  EXPECT_TRUE(story().contains("authenticated by DANE"));
}

// ---------------------------------------------------------------- REQUIRETLS

void require_tls(storage::QueueRow& row) {
  row.require_tls = true;
}

TEST_F(RelayTransportTest, RequireTlsGoesWhereDaneVouchesAndThePeerPromises) {
  start(std::string(kOneHost) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) + kSigned);
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_TRUE(std::ranges::any_of(mx1().log.commands, [](const auto& command) {
    return command.starts_with("MAIL") && command.ends_with("REQUIRETLS");
  }));
}

TEST_F(RelayTransportTest, RequireTlsIsReturnedWithTheHeaderAloneWhereNobodyVouches) {
  start(kOneHost);
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_TRUE(mx1().log.messages.empty());
  EXPECT_EQ(bed.acceptor.count("Status: 5.7.30"), 1U);
  EXPECT_EQ(bed.acceptor.count("Subject: news"), 1U);
  EXPECT_EQ(bed.acceptor.count("Hello."), 0U) << "RFC 8689 4.3: no body";
  ASSERT_EQ(bed.acceptor.messages.size(), 1U);
  EXPECT_TRUE(bed.acceptor.messages[0].require_tls);
}

TEST_F(RelayTransportTest, RequireTlsTriesEveryHostFirst) {
  mx1().script.extensions = "PIPELINING STARTTLS";
  start(std::string(kHosts) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) +
        tlsa("mx2.beta.example", tlsa_of("192.0.2.2")) + kSigned);
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_EQ(mx2().log.messages.size(), 1U);
  EXPECT_EQ(bed.acceptor.messages.size(), 0U);
}

TEST_F(RelayTransportTest, RequireTlsWaitsWhileAHostMayComeBack) {
  mx1().script.extensions = "PIPELINING STARTTLS";
  mx2().script.refuses = true;
  start(std::string(kHosts) + tlsa("mx1.beta.example", tlsa_of("192.0.2.1")) +
        tlsa("mx2.beta.example", tlsa_of("192.0.2.2")) + kSigned);
  EXPECT_FALSE(goes_out(require_tls));
  EXPECT_EQ(bed.acceptor.messages.size(), 0U);
}

TEST_F(RelayTransportTest, RequireTlsNeverUsesAnOpenConnectionOfAnybody) {
  start(kOneHost);
  EXPECT_TRUE(goes_out());
  EXPECT_EQ(mx1().log.messages.size(), 1U);
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_EQ(mx1().log.messages.size(), 1U);
  EXPECT_EQ(bed.acceptor.count("Status: 5.7.30"), 1U);
}

TEST_F(RelayTransportTest, RequireTlsGoesWhereAnEnforcedPolicyVouchesNotATestedOne) {
  fetcher.bodies["beta.example"] = policy("testing", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_TRUE(mx1().log.messages.empty());
  fetcher.bodies["beta.example"] = policy("enforce", "mx1.beta.example");
  resolver.serve(std::string(kOneHost) + sts("2"));
  EXPECT_TRUE(goes_out(require_tls));
  EXPECT_EQ(mx1().log.messages.size(), 1U);
}

TEST_F(RelayTransportTest, TlsRequiredNoLetsAMessageThroughAndNoOther) {
  start(std::string(kOneHost) + tlsa("mx1.beta.example", "3 1 1 " + std::string(64, 'a')) + kSigned);
  const auto waive = [](storage::QueueRow& row) {
    row.octets.header_block = "TLS-Required: No\r\n";
    row.octets.size += row.octets.header_block.size();
  };
  EXPECT_TRUE(goes_out(waive)) << story();
  EXPECT_EQ(mx1().log.messages.size(), 1U);
  EXPECT_TRUE(story().contains("TLS-Required: No"));
  EXPECT_FALSE(goes_out());
  EXPECT_EQ(mx1().log.messages.size(), 1U);
  const auto both = [&](storage::QueueRow& row) {
    waive(row);
    row.require_tls = true;
  };
  EXPECT_FALSE(goes_out(both)) << "REQUIRETLS counts, the field does not";
}

// ---------------------------------------------------------------- what reports are made of

TEST_F(RelayTransportTest, SessionsAreCountedByPolicyDomainAndDay) {
  fetcher.bodies["beta.example"] = policy("testing", "mx1.beta.example");
  start(std::string(kOneHost) + sts("1"));
  EXPECT_TRUE(goes_out());
  bed.run_for(minutes(10));
  await(ledger.flush());
  present("192.0.2.1", {"other.example"});
  EXPECT_TRUE(goes_out());
  bed.run_for(minutes(10));
  EXPECT_TRUE(goes_out());
  await(ledger.flush());
  await(ledger.flush());

  std::optional<tls_rpt::Report> report;
  await(read(bed.store, day_text(bed.clock.now()), report));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->policies.size(), 1U);
  EXPECT_EQ(report->policies[0].policy_type, "sts");
  EXPECT_EQ(report->policies[0].successful_sessions, 1U);
  EXPECT_EQ(report->policies[0].failed_sessions, 2U);
  ASSERT_EQ(report->policies[0].failures.size(), 1U);
  EXPECT_EQ(report->policies[0].failures[0].result_type, "certificate-host-mismatch");
  EXPECT_EQ(report->policies[0].failures[0].failed_session_count, 2U);
  EXPECT_EQ(report->policies[0].failures[0].receiving_ip, "192.0.2.1");

  // What the next process counts is added to what this one has left.
  TlsLedger after_restart(bed.store, bed.clock);
  after_restart.note(outcomes.front());
  await(after_restart.flush());
  await(read(bed.store, day_text(bed.clock.now()), report));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->policies[0].successful_sessions, 2U);
  EXPECT_EQ(report->policies[0].failed_sessions, 2U);

  bed.run_for(hours(24 * 32));
  await(ledger.sweep());
  EXPECT_EQ(bed.store.settings.lower_bound("tls-rpt/"), bed.store.settings.end());
}

}  // namespace
}  // namespace posthorn::relay
