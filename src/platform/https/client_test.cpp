// Real HTTPS on loopback: a small server of our own with certificates of a CA made here.
#include "platform/https/client.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "foundation/crypto/certificate.h"
#include "platform/net/certificate.h"
#include "platform/net/listener.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "standards/dns/zone.h"

namespace posthorn::https {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = runtime::SystemClock{}.now();

struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / fmt::format("posthorn-https-{}", getpid())) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// Answers every connection with the same octets, after the handshake.
class CannedServer final : public net::ConnectionHandler {
 public:
  CannedServer(net::Loop& loop, runtime::TaskGroup& group, std::string answer)
      : loop_(loop), group_(group), answer_(std::move(answer)) {}
  void use(const std::vector<net::CertificateAndKey>& certificates) { tls_ = *net::ServerTls::make(certificates); }
  void connected(net::Loop&, std::unique_ptr<net::Stream> stream) override {
    runtime::spawn(group_, loop_.executor(), "answer", answer(std::move(stream)));
  }
  [[nodiscard]] Octets refusal() const override { return {}; }
  int requests = 0;
  std::string request;

 private:
  Task<> answer(std::unique_ptr<net::Stream> stream) {
    const auto shaken = co_await stream->start_tls(*tls_);
    if (!shaken) co_return;
    std::array<char, 4096> piece;
    request.clear();
    while (!request.contains("\r\n\r\n")) {
      const auto got = co_await stream->read_some(piece);
      if (!got) co_return;
      request.append(piece.data(), *got);
    }
    ++requests;
    (void)co_await stream->write(answer_);
    co_await stream->close();
  }
  net::Loop& loop_;
  runtime::TaskGroup& group_;
  std::string answer_;
  std::unique_ptr<net::ServerTls> tls_;
};

class Https : public testing::Test {
 protected:
  Https() {
    std::ofstream(folder_.path / "ca.pem") << authority_.authority_pem();
    options_.ca_file = folder_.path / "ca.pem";
    options_.use_system_store = false;
    options_.allow_private = true;
    options_.threads = 1;
  }
  ~Https() override {
    group_.cancel();
    loop_of_test_.run_ready();
  }

  net::CertificateAndKey certificate(std::vector<std::string> names, Duration from = -1h, Duration until = 1h) {
    return *authority_.issue({std::move(names), kNow + from, kNow + until});
  }
  /// The server's port.
  std::uint16_t serve(std::string answer, const std::vector<net::CertificateAndKey>& certificates) {
    server_ = std::make_unique<CannedServer>(loop_, group_, std::move(answer));
    server_->use(certificates);
    listener_ = *net::Listener::open(loop_, {*IpAddress::parse("127.0.0.1"), 0});
    runtime::spawn(group_, loop_.executor(), "listen", listener_->run(*server_));
    return listener_->local().port;
  }
  Result<Response, Failure> ask(Request request, std::string_view zone = "mta-sts.a.example. A 127.0.0.1\n") {
    dns::ZoneFileResolver resolver{dns::Zone::parse(zone).value()};
    auto client = *Client::make(resolver, options_);
    std::optional<Result<Response, Failure>> out;
    runtime::spawn(group_, loop_.executor(), "ask", keep(*client, std::move(request), out));
    // libcurl runs on a thread of its own, over real sockets: virtual time stands still meanwhile.
    loop_of_test_.set_busy([&] { return !out; });
    EXPECT_TRUE(loop_of_test_.run_until([&] { return out.has_value(); }, clock_.now() + 1min)) << "no answer came";
    loop_of_test_.set_busy({});
    return out ? std::move(*out) : Result<Response, Failure>(fail(Failure{}));
  }
  static Task<> keep(Client& client, Request request, std::optional<Result<Response, Failure>>& out) {
    out = co_await client.send(std::move(request));
  }
  static Request policy_request(std::uint16_t port) {
    Request request;
    request.host = "mta-sts.a.example";
    request.port = port;
    request.path = "/.well-known/mta-sts.txt";
    return request;
  }

  Folder folder_;
  net::CertificateAuthority authority_ = *net::CertificateAuthority::make("Test CA", kNow - 24h, kNow + 24h);
  runtime::VirtualClock clock_{kNow};
  runtime::VirtualLoop loop_of_test_{clock_};
  net::Loop loop_{loop_of_test_.executor(), clock_};
  runtime::TaskGroup group_{"test", runtime::Logger{}};
  std::unique_ptr<CannedServer> server_;
  std::unique_ptr<net::Listener> listener_;
  ClientOptions options_;
};

constexpr const char* kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

TEST_F(Https, FetchesOverAVerifiedConnection) {
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"})});
  const auto response = ask(policy_request(port));
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->header("content-type"), "text/plain");
  EXPECT_EQ(response->connection.address, fmt::format("127.0.0.1:{}", port));
  ASSERT_FALSE(response->connection.chain.empty());
  EXPECT_TRUE(crypto::Certificate::from_der(response->connection.chain.front())->fits("mta-sts.a.example"));
  EXPECT_TRUE(server_->request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
  EXPECT_TRUE(server_->request.contains(fmt::format("Host: mta-sts.a.example:{}\r\n", port)));
}

TEST_F(Https, RefusesACertificateOfAnotherName) {
  const auto port = serve(kAnswer, {certificate({"a.example"})});
  const auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::certificate);
  EXPECT_EQ(response.error().reason, "hostname mismatch");
  EXPECT_FALSE(response.error().connection.chain.empty());
  EXPECT_EQ(server_->requests, 0);
}

TEST_F(Https, RefusesAnExpiredCertificate) {
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"}, -2h, -1h)});
  const auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::certificate);
  EXPECT_TRUE(response.error().reason.contains("expired"));
}

TEST_F(Https, RefusesACertificateOfAnUnknownAuthority) {
  const auto port = serve(kAnswer, {*net::make_self_signed({{"mta-sts.a.example"}, kNow - 1h, kNow + 1h})});
  const auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::certificate);
}

TEST_F(Https, FollowsNoRedirect) {
  const auto port = serve(
      "HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      {certificate({"mta-sts.a.example"})});
  const auto response = ask(policy_request(port));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 301);
  EXPECT_EQ(response->header("location"), "https://elsewhere.example/");
  EXPECT_EQ(server_->requests, 1);
}

TEST_F(Https, BoundsWhatItReads) {
  const std::string body(std::size_t{65} * 1024, 'x');
  auto port = serve("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body, {certificate({"mta-sts.a.example"})});
  auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::too_large);
  port = serve("HTTP/1.1 200 OK\r\nX: " + body + "\r\nConnection: close\r\n\r\n", {certificate({"mta-sts.a.example"})});
  response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::too_large);
}

TEST_F(Https, GivesUpInTime) {
  // A listener that nobody serves: the connection is made, nothing is ever said.
  const auto silent = *net::Listener::open(loop_, {*IpAddress::parse("127.0.0.1"), 0});
  Request request = policy_request(silent->local().port);
  request.time_max = 200ms;
  const auto response = ask(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
}

TEST_F(Https, AsksOnlyTheResolverItWasGiven) {
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"})});
  const auto none = ask(policy_request(port), "other.example. A 127.0.0.1\n");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, FailureKind::dns);
  EXPECT_TRUE(none.error().dns_definite);
  const auto broken = ask(policy_request(port), ";; servfail mta-sts.a.example\n");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, FailureKind::dns);
  EXPECT_FALSE(broken.error().dns_definite);
  EXPECT_EQ(server_->requests, 0);
}

TEST_F(Https, RefusesPrivateTargets) {
  options_.allow_private = false;
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"})});
  const auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::address);
  EXPECT_EQ(server_->requests, 0);
}

TEST_F(Https, ConnectsFromTheSourceThatIsConfigured) {
  options_.source = {*IpAddress::parse("127.0.0.9")};
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"})});
  EXPECT_TRUE(ask(policy_request(port)));
  options_.source = {*IpAddress::parse("::1")};
  const auto response = ask(policy_request(port));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::address);
}

TEST_F(Https, PostsABody) {
  const auto port = serve(kAnswer, {certificate({"mta-sts.a.example"})});
  Request request = policy_request(port);
  request.method = "POST";
  request.body = "report";
  request.headers = {{"Content-Type", "application/tlsrpt+json"}};
  const auto response = ask(std::move(request));
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_TRUE(server_->request.starts_with("POST "));
  EXPECT_TRUE(server_->request.contains("Content-Type: application/tlsrpt+json\r\n"));
  EXPECT_TRUE(server_->request.contains("Content-Length: 6\r\n"));
}

TEST_F(Https, NeedsACaFileThatHoldsCertificates) {
  std::ofstream(folder_.path / "empty.pem") << "nothing\n";
  options_.ca_file = folder_.path / "empty.pem";
  dns::ZoneFileResolver resolver{dns::Zone::parse("").value()};
  EXPECT_FALSE(Client::make(resolver, options_));
}

}  // namespace
}  // namespace posthorn::https
