// Front on loopback: who is let in, who hears why not, who is counted, and how all leave.
#include "platform/net/front.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/net/connect.h"
#include "platform/runtime/loops.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

/// Stays until its peer closes, or it is asked to leave.
class Listening final : public Guest {
 public:
  Listening(std::unique_ptr<Stream> stream, ConnectionLimits::Place place)
      : stream_(std::move(stream)), place_(std::move(place)) {}

  Task<> run() override {
    std::array<char, 64> piece;
    for (auto got = co_await stream_->read_some(piece); got; got = co_await stream_->read_some(piece)) {
    }
    co_await stream_->close();
  }
  void shut_down() override { stream_->interrupt(); }

 private:
  std::unique_ptr<Stream> stream_;
  ConnectionLimits::Place place_;
};

class House final : public Host {
 public:
  std::unique_ptr<Guest> receive(Loop&, std::unique_ptr<Stream> stream, ConnectionLimits::Place place) override {
    return std::make_unique<Listening>(std::move(stream), std::move(place));
  }
  [[nodiscard]] Octets refusal(ConnectionLimits::Full full) const override {
    return full == ConnectionLimits::Full::total ? "full\r\n" : "enough of yours\r\n";
  }
};

/// A client: connects from an address of its own, and keeps what it hears.
struct Client {
  std::unique_ptr<Stream> stream;
  std::string heard;
  bool over = false;
};

Task<> visit(Loop& loop, Endpoint to, IpAddress from, Client& client) {
  auto connected = co_await connect(loop, to, {.source = from});
  if (!connected) {
    client.over = true;
    co_return;
  }
  client.stream = std::move(*connected);
  std::array<char, 64> piece;
  for (auto got = co_await client.stream->read_some(piece); got; got = co_await client.stream->read_some(piece))
    client.heard.append(piece.data(), *got);
  client.over = true;
}

class FrontTest : public testing::Test {
 protected:
  FrontTest() {
    FrontOptions options;
    options.loops = {&loop};
    options.tasks = &group;
    options.limits = &limits;
    options.accepted = &metrics.counter("accepted", "");
    options.turned_away = &metrics.counter("turned_away", "");
    options.open = &metrics.gauge("open", "");
    options.service = "test";
    front = std::move(*Front::open(std::move(options), house, {{*IpAddress::parse("127.0.0.1"), 0}}));
    front->start();
  }
  ~FrontTest() override {
    group.cancel();
    virtual_loop.run_ready();
  }

  /// Loopback is quick, but not always done when connect() returns.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 10'000 && !done(); ++i) {
      virtual_loop.run_for(1ms);
      if (!done()) ::usleep(1000);
    }
    return done();
  }
  void enter(Client& client, const char* from) {
    runtime::spawn(group, loop.executor(), "client",
                   visit(loop, front->local().front(), *IpAddress::parse(from), client));
  }
  [[nodiscard]] int guests() {
    int seen = 0;
    front->each([&seen](Guest&) { ++seen; });
    virtual_loop.run_ready();
    return seen;
  }

  runtime::VirtualClock clock{from_unix_seconds(1'800'000'000)};
  runtime::VirtualLoop virtual_loop{clock};
  Loop loop{virtual_loop.executor(), clock};
  runtime::TaskGroup group{"test", runtime::Logger{}};
  runtime::Metrics metrics;
  ConnectionLimits limits{2, 1};
  House house;
  std::array<Client, 5> clients;
  std::unique_ptr<Front> front;
};

TEST_F(FrontTest, AdmitsWithinTheLimitsAndSaysWhyNotBeyond) {
  enter(clients[0], "127.0.0.1");
  ASSERT_TRUE(until([&] { return guests() == 1; }));
  enter(clients[1], "127.0.0.1");
  ASSERT_TRUE(until([&] { return clients[1].over; }));
  EXPECT_EQ(clients[1].heard, "enough of yours\r\n");
  enter(clients[2], "127.0.0.2");
  ASSERT_TRUE(until([&] { return guests() == 2; }));
  enter(clients[3], "127.0.0.3");
  ASSERT_TRUE(until([&] { return clients[3].over; }));
  EXPECT_EQ(clients[3].heard, "full\r\n");
  const std::string counted = metrics.exposition();
  for (const char* const line : {"accepted 2\n", "turned_away 2\n", "open 2\n"})
    EXPECT_NE(counted.find(line), std::string::npos) << line << counted;

  clients[0].stream->interrupt();
  ASSERT_TRUE(until([&] { return clients[0].over; }));
  clients[0].stream.reset();
  ASSERT_TRUE(until([&] { return guests() == 1; })) << "who has gone is no guest";
  enter(clients[4], "127.0.0.3");
  ASSERT_TRUE(until([&] { return guests() == 2; })) << "and its place is free";
}

TEST_F(FrontTest, AllLeaveWhenItStops) {
  enter(clients[0], "127.0.0.1");
  enter(clients[1], "127.0.0.2");
  ASSERT_TRUE(until([&] { return guests() == 2; }));
  front->stop();
  ASSERT_TRUE(until([&] { return group.size() == 0; })) << "listener, guests and their clients have ended";
  EXPECT_EQ(clients[0].heard + clients[1].heard, "");
  enter(clients[2], "127.0.0.3");
  ASSERT_TRUE(until([&] { return clients[2].over; }));
  EXPECT_EQ(clients[2].stream, nullptr) << "nobody listens any more";
}

}  // namespace
}  // namespace posthorn::net
