// Sessions over streams in memory on virtual time, and a service on real sockets.
#include <deque>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flow/smtp_service/service.h"
#include "platform/net/certificate.h"
#include "platform/net/connect.h"
#include "platform/net/memory_stream.h"
#include "platform/runtime/event.h"
#include "platform/runtime/loops.h"

namespace posthorn::smtp_service {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);

/// What all handlers of a test saw.
struct Seen {
  std::vector<std::string> messages;
  std::vector<smtp::server::CloseReason> closed;
  std::optional<runtime::Event> commit;  ///< message_ends() waits for it
  int dropped = 0;
  std::mutex mutex;  ///< sessions on several loops report here
};

class Recorder final : public SessionHandler {
 public:
  explicit Recorder(Seen& seen) : seen_(seen) {}
  Task<Answer> connected() override { co_return std::nullopt; }
  Task<Answer> hello(const smtp::server::Hello&) override { co_return std::nullopt; }
  Task<Answer> mail(const smtp::server::Mail&) override { co_return std::nullopt; }
  Task<Answer> recipient(const smtp::server::Recipient& recipient) override {
    if (recipient.path.text().find("nobody") == std::string::npos) co_return std::nullopt;
    co_return smtp::Reply(550, {5, 1, 1}, "No such mailbox");
  }
  Task<Answer> message_begins() override {
    message_.clear();
    co_return std::nullopt;
  }
  bool take_now(Octets octets) override {
    message_ += octets;
    return true;
  }
  Task<> message_octets(Octets) override { co_return; }
  Task<smtp::Reply> message_ends() override {
    if (seen_.commit) co_await seen_.commit->wait();
    const std::lock_guard lock(seen_.mutex);
    seen_.messages.push_back(message_);
    co_return smtp::Reply(250, {2, 0, 0}, "Accepted");
  }
  std::string transaction_dropped(const smtp::Reply*) override {
    const std::lock_guard lock(seen_.mutex);
    ++seen_.dropped;
    return {};
  }
  void refused(const smtp::server::Refused&) override {}
  void closed(smtp::server::CloseReason reason) override {
    const std::lock_guard lock(seen_.mutex);
    seen_.closed.push_back(reason);
  }

 private:
  Seen& seen_;
  std::string message_;
};

struct Recorders final : HandlerFactory {
  Seen seen;
  std::unique_ptr<SessionHandler> make(SessionContext) override { return std::make_unique<Recorder>(seen); }
};

Task<> run_pump(Pump& pump) {
  co_await pump.run();
}

/// Says `octets`, then takes what comes until the end.
Task<> say(net::Stream& stream, std::string octets) {
  static_cast<void>(co_await stream.write(octets));
}
Task<> listen_to(net::Stream& stream, std::string& heard, bool& ended) {
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = co_await stream.read_some(piece);
    if (!got) break;
    heard.append(piece.data(), *got);
  }
  ended = true;
}
Task<> shake(net::Stream& stream, const net::ClientTls& tls, bool& shaken) {
  net::ClientHandshake handshake{.server_name = "mx.alpha.example"};
  shaken = (co_await stream.start_tls(tls, handshake)).has_value();
}

struct Session {
  runtime::VirtualClock clock{kStart};
  runtime::VirtualLoop virtual_loop{clock};
  net::Loop loop{virtual_loop.executor(), clock};
  runtime::TaskGroup group{"test", runtime::Logger{}};
  Recorders recorders;
  std::shared_ptr<ServiceSettings> settings = std::make_shared<ServiceSettings>();
  net::MemoryPair pair = net::make_memory_pair(loop);
  std::unique_ptr<Pump> pump;
  std::string heard;
  bool ended = false;

  explicit Session(bool with_tls = false, smtp::server::Role role = smtp::server::Role::reception) {
    settings->machine.host_name = "mx.alpha.example";
    settings->machine.role = role;
    settings->machine.starttls = with_tls;
    if (with_tls) {
      settings->tls =
          *net::ServerTls::make({*net::make_self_signed({{"mx.alpha.example"}, kStart - 24h, kStart + 24h * 36500})});
    }
    pump = std::make_unique<Pump>(loop, std::move(pair.server), settings, recorders, SessionId{1}, runtime::Logger{},
                                  net::ConnectionLimits::Place{});
    spawn(run_pump(*pump));
    if (role == smtp::server::Role::reception) spawn(listen_to(*pair.client, heard, ended));
    virtual_loop.run_ready();
  }
  ~Session() {
    group.cancel();
    virtual_loop.run_ready();
    EXPECT_EQ(group.failures(), 0u);
  }
  void spawn(Task<> task) { runtime::spawn(group, loop.executor(), "task", std::move(task)); }
  /// What is said back to this, without the time moving.
  std::string say_and_hear(const std::string& octets) {
    heard.clear();
    spawn(say(*pair.client, octets));
    virtual_loop.run_ready();
    return heard;
  }
  [[nodiscard]] Seen& seen() { return recorders.seen; }
};

TEST(Pump, APipelinedTransactionIsAnsweredInOrder) {
  Session s;
  EXPECT_EQ(s.heard.substr(0, 21), "220 mx.alpha.example ");
  EXPECT_NE(s.say_and_hear("EHLO client.example\r\n").find("250-PIPELINING\r\n"), std::string::npos);
  const std::string replies = s.say_and_hear(
      "MAIL FROM:<ann@beta.example>\r\nRCPT TO:<bob@alpha.example>\r\nRCPT TO:<nobody@alpha.example>\r\nDATA\r\n");
  EXPECT_EQ(replies.substr(0, 4), "250 ");
  EXPECT_NE(replies.find("\r\n550 5.1.1 No such mailbox\r\n354 "), std::string::npos) << replies;
  EXPECT_EQ(s.say_and_hear("Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n").substr(0, 24), "250 2.0.0 Accepted\r\n221 ");
  EXPECT_EQ(s.seen().messages, (std::vector<std::string>{"Subject: x\r\n\r\n.dot\r\n"}));
  EXPECT_EQ(s.seen().closed, (std::vector{smtp::server::CloseReason::quit}));
  EXPECT_TRUE(s.ended);
}

constexpr const char* kToData = "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<bob@alpha.example>\r\nDATA\r\n";

TEST(Pump, AnIdleSessionIsEndedAfterFiveMinutes) {
  Session s;
  s.virtual_loop.run_for(5min - 1s);
  EXPECT_FALSE(s.ended);
  s.heard.clear();
  s.virtual_loop.run_for(5s);
  EXPECT_EQ(s.heard.substr(0, 10), "421 4.4.2 ");
  EXPECT_TRUE(s.ended);
  EXPECT_EQ(s.seen().closed, (std::vector{smtp::server::CloseReason::timeout}));
}

TEST(Pump, DrippingOctetsOfACommandDoesNotPushItsDeadline) {
  Session s;
  for (int minute = 0; minute < 5; ++minute) {
    EXPECT_FALSE(s.ended) << minute;
    static_cast<void>(s.say_and_hear("N"));
    s.virtual_loop.run_for(1min);
  }
  s.virtual_loop.run_for(5s);
  EXPECT_TRUE(s.ended);
}

TEST(Pump, AWholeCommandPushesTheDeadline) {
  Session s;
  for (int i = 0; i < 5; ++i) {
    s.virtual_loop.run_for(4min);
    EXPECT_EQ(s.say_and_hear("NOOP\r\n").substr(0, 4), "250 ");
  }
}

TEST(Pump, ASlowSenderOfDataEndsAtTheHour) {
  Session s;
  static_cast<void>(s.say_and_hear(kToData));
  for (int minute = 0; minute < 59; ++minute) {
    ASSERT_FALSE(s.ended) << minute;
    static_cast<void>(s.say_and_hear("x\r\n"));
    s.virtual_loop.run_for(1min);
  }
  s.virtual_loop.run_for(90s);
  EXPECT_TRUE(s.ended);
  EXPECT_EQ(s.heard.substr(0, 10), "421 4.4.2 ");
  EXPECT_EQ(s.seen().dropped, 1);
  EXPECT_TRUE(s.seen().messages.empty());
}

TEST(Pump, ShutdownSaysGoodbyeToIdleSessionsAtOnce) {
  Session s;
  static_cast<void>(s.say_and_hear("EHLO c.example\r\n"));
  s.heard.clear();
  s.pump->shut_down();
  s.virtual_loop.run_ready();
  EXPECT_EQ(s.heard.substr(0, 10), "421 4.3.2 ");
  s.virtual_loop.run_for(3s);  // lingering
  EXPECT_TRUE(s.ended);
}

TEST(Pump, ShutdownLetsAMessageInCommitHaveItsAnswer) {
  Session s;
  s.seen().commit.emplace();
  static_cast<void>(s.say_and_hear(kToData));
  EXPECT_EQ(s.say_and_hear("Subject: x\r\n\r\n.\r\n"), "") << "not before it is on stable storage";
  s.pump->shut_down();
  s.virtual_loop.run_ready();
  EXPECT_EQ(s.heard, "");
  s.seen().commit->set();
  s.virtual_loop.run_ready();
  EXPECT_EQ(s.heard.substr(0, 30), "250 2.0.0 Accepted\r\n421 4.3.2 ");
  EXPECT_EQ(s.seen().messages.size(), 1u);
}

TEST(Pump, AConnectionThatBreaksDropsItsMessage) {
  Session s;
  static_cast<void>(s.say_and_hear(kToData));
  static_cast<void>(s.say_and_hear("Subject: half\r\n"));
  s.group.cancel();  // the client's reader goes, then its stream
  s.virtual_loop.run_ready();
  EXPECT_TRUE(s.seen().messages.empty());
}

TEST(Pump, StartTlsThenMail) {
  Session s(true, smtp::server::Role::submission);
  const auto tls = *net::ClientTls::make({.use_system_store = false});
  std::string heard;
  bool ended = false, shaken = false;
  std::array<char, 4096> piece;
  s.spawn(say(*s.pair.client, "EHLO c.example\r\nSTARTTLS\r\n"));
  s.virtual_loop.run_ready();
  std::string before_tls;
  while (const auto got = s.pair.client->read_now(piece)) {
    if (*got == 0) break;
    before_tls.append(piece.data(), *got);
    s.virtual_loop.run_ready();
  }
  EXPECT_NE(before_tls.find("\r\n220 "), std::string::npos) << before_tls;
  EXPECT_EQ(before_tls.find("AUTH"), std::string::npos) << "no AUTH in clear";
  s.spawn(shake(*s.pair.client, *tls, shaken));
  s.virtual_loop.run_ready();
  ASSERT_TRUE(shaken);
  s.spawn(listen_to(*s.pair.client, heard, ended));
  s.spawn(say(*s.pair.client, "EHLO c.example\r\nQUIT\r\n"));
  s.virtual_loop.run_ready();
  EXPECT_EQ(heard.find("STARTTLS"), std::string::npos);
  EXPECT_NE(heard.find("\r\n221 "), std::string::npos) << heard;
  EXPECT_TRUE(ended);
}

TEST(Pump, PlaintextBehindStartTlsEndsTheSession) {
  Session s(true);
  const std::string replies = s.say_and_hear("EHLO c.example\r\nSTARTTLS\r\nNOOP\r\n");
  s.virtual_loop.run_for(5s);
  EXPECT_EQ(s.seen().closed, (std::vector{smtp::server::CloseReason::protocol})) << replies;
}

// ---- the service on real sockets -----------------------------------------------------------------------------

struct World {
  runtime::SystemClock clock;
  runtime::SystemRandom random;
  runtime::IdSource ids{clock, random};
  runtime::Loops loops{2};
  std::deque<net::Loop> net_loops;
  runtime::TaskGroup group{"test", runtime::Logger{}};
  runtime::Metrics metrics;
  net::ConnectionLimits limits{100, 3};
  Recorders recorders;
  std::unique_ptr<SmtpService> service;

  World() {
    Surroundings around{.tasks = &group, .ids = &ids, .limits = &limits, .handlers = &recorders, .metrics = &metrics};
    for (std::size_t i = 0; i < loops.size(); ++i)
      around.loops.push_back(&net_loops.emplace_back(loops.executor(i), clock));
    ServiceSettings settings;
    settings.machine.host_name = "mx.alpha.example";
    service = *SmtpService::open(std::move(around), {{*IpAddress::parse("127.0.0.1"), 0}}, std::move(settings));
    loops.start();
    service->start();
  }
  ~World() {
    group.cancel();
    runtime::run_to_end([this]() -> Task<> { return group.join(); });
    loops.stop();
  }
};

struct Peer {
  std::unique_ptr<net::Stream> stream;
  std::string heard;
};

Task<> call(net::Loop& loop, net::Endpoint to, Peer& peer) {
  auto connected = co_await net::connect(loop, to, {});
  if (!connected) throw std::runtime_error(connected.error().reason);
  peer.stream = std::move(*connected);
  std::array<char, 1024> piece;
  const auto got = co_await peer.stream->read_some(piece);
  if (got) peer.heard.assign(piece.data(), *got);
}

Task<> hear_more(Peer& peer) {
  std::array<char, 1024> piece;
  const auto got = co_await peer.stream->read_some(piece);
  if (got) peer.heard.append(piece.data(), *got);
}

Task<> conversation(World& w, std::vector<Peer>& peers) {
  const runtime::Executor executor = co_await runtime::current_executor();
  net::Loop loop(executor, w.clock);
  const net::Endpoint to = w.service->local().front();
  for (Peer& peer : peers) co_await call(loop, to, peer);
  w.service->stop();
  for (Peer& peer : peers) co_await hear_more(peer);
  for (Peer& peer : peers) peer.stream.reset();
  co_await w.group.join();
}

TEST(SmtpService, LimitsConnectionsOfOneAddressAndEndsInOrder) {
  World w;
  std::vector<Peer> peers(4);
  runtime::run_to_end([&]() -> Task<> { return conversation(w, peers); });
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(peers[i].heard.substr(0, 4), "220 ") << i;
    EXPECT_NE(peers[i].heard.find("421 4.3.2 "), std::string::npos) << peers[i].heard;
  }
  EXPECT_EQ(peers[3].heard.substr(0, 10), "421 4.7.0 ");
  EXPECT_EQ(w.limits.total(), 0u);
  EXPECT_NE(w.metrics.exposition().find("posthorn_smtp_connections_refused_total{service=\"smtp\"} 1"),
            std::string::npos);
}

TEST(ConnectionLimits, AnIpv6NetworkCountsAsOne) {
  net::ConnectionLimits limits(3, 2);
  const auto enter = [&limits](const char* address) { return limits.enter(*IpAddress::parse(address)); };
  auto one = enter("2001:db8::1"), two = enter("2001:db8::ffff:2");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(enter("2001:db8::3").error(), net::ConnectionLimits::Full::address);
  auto three = enter("192.0.2.1");
  ASSERT_TRUE(three);
  EXPECT_EQ(enter("192.0.2.2").error(), net::ConnectionLimits::Full::total);
  *one = net::ConnectionLimits::Place{};
  EXPECT_EQ(limits.total(), 2u);
  EXPECT_TRUE(enter("2001:db8::3"));
}

}  // namespace
}  // namespace posthorn::smtp_service
