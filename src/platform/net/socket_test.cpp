// Real sockets on loopback: listeners, connections, deadlines, a full descriptor table, TLS by key type.
#include <cstring>
#include <future>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/net/certificate.h"
#include "platform/net/connect.h"
#include "platform/net/listener.h"
#include "platform/net/socket_transport.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/process.h"
#include "platform/runtime/spawn.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

/// Real sockets, virtual time: run_ready() does what the kernel has ready.
struct SocketWorld {
  runtime::VirtualClock clock{from_unix_seconds(1'800'000'000)};
  runtime::VirtualLoop virtual_loop{clock};
  Loop loop{virtual_loop.executor(), clock};
  runtime::TaskGroup group{"test", runtime::Logger{}};
  void spawn(Task<> task) { runtime::spawn(group, loop.executor(), "task", std::move(task)); }
  /// Loopback is quick, but not always done when connect() returns.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 5000 && !done(); ++i) {
      virtual_loop.run_for(1ms);
      if (!done()) usleep(1000);
    }
    return done();
  }
};

/// Ends the tasks before what they use goes; stands last in a test.
struct Finish {
  SocketWorld& world;
  ~Finish() {
    world.group.cancel();
    world.virtual_loop.run_ready();
  }
};

struct Keep final : ConnectionHandler {
  std::vector<std::unique_ptr<Stream>> streams;
  int exhausted = 0;
  void connected(Loop&, std::unique_ptr<Stream> stream) override { streams.push_back(std::move(stream)); }
  [[nodiscard]] Octets refusal() const override { return "421 4.3.2 Too busy\r\n"; }
  void descriptors_exhausted() override { ++exhausted; }
};

using Connected = std::optional<Result<std::unique_ptr<Stream>, ConnectFailure>>;

Task<> dial(Loop& loop, Endpoint to, ConnectOptions options, Connected& connected) {
  connected = co_await connect(loop, to, options);
}
Task<> read_one(Stream& stream, std::string& octets, std::optional<StreamError>& error) {
  std::array<char, 4096> piece;
  const auto got = co_await stream.read_some(piece);
  if (got) {
    octets.append(piece.data(), *got);
  } else {
    error = got.error();
  }
}
Task<> send(Stream& stream, std::string octets) {
  static_cast<void>(co_await stream.write(octets));
}

const Endpoint kAnyPort{*IpAddress::parse("127.0.0.1"), 0};

TEST(Sockets, ConnectFromAChosenAddressAndTalk) {
  SocketWorld w;
  Keep keep;
  auto listener = *Listener::open(w.loop, kAnyPort);
  w.spawn(listener->run(keep));
  Connected connected;
  const Finish finish{w};
  w.spawn(dial(w.loop, listener->local(), {.source = IpAddress::parse("127.0.0.3")}, connected));
  ASSERT_TRUE(w.until([&] { return connected && !keep.streams.empty(); }));
  ASSERT_TRUE(connected->has_value());
  Stream& client = **connected->operator->();
  EXPECT_EQ(keep.streams[0]->peer().address.text(), "127.0.0.3");
  EXPECT_EQ(keep.streams[0]->peer(), client.local());
  EXPECT_EQ(keep.streams[0]->local(), client.peer());
  std::string received;
  std::optional<StreamError> error;
  const Finish before_those{w};
  w.spawn(read_one(client, received, error));
  w.spawn(send(*keep.streams[0], "220 mx.example\r\n"));
  ASSERT_TRUE(w.until([&] { return !received.empty(); }));
  EXPECT_EQ(received, "220 mx.example\r\n");
  listener->close();
  ASSERT_TRUE(w.until([&] { return w.group.size() == 0; })) << "the accept loop ends";
}

TEST(Sockets, Ipv6) {
  SocketWorld w;
  Keep keep;
  auto listener = Listener::open(w.loop, {*IpAddress::parse("::1"), 0});
  if (!listener) GTEST_SKIP() << "no IPv6 on this machine";
  w.spawn((*listener)->run(keep));
  Connected connected;
  const Finish finish{w};
  w.spawn(dial(w.loop, (*listener)->local(), {}, connected));
  ASSERT_TRUE(w.until([&] { return connected && !keep.streams.empty(); }));
  EXPECT_EQ(keep.streams[0]->peer().address.text(), "::1");
}

TEST(Sockets, RefusedAndUnansweredConnectionsSayWhy) {
  SocketWorld w;
  auto listener = *Listener::open(w.loop, kAnyPort);
  const Endpoint free_port = listener->local();
  listener.reset();
  Connected refused, unanswered;
  w.spawn(dial(w.loop, free_port, {}, refused));
  ASSERT_TRUE(w.until([&] { return refused.has_value(); }));
  EXPECT_EQ(refused->error().reason, "Connection refused");

  // A listener whose queue is full does not answer.
  const int full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SocketAddress address = socket_address(kAnyPort);
  ASSERT_EQ(::bind(full, address.get(), address.length), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  ASSERT_EQ(::getsockname(full, address.get(), &address.length), 0);
  std::array<Connected, 4> filling;
  const Finish finish{w};
  for (auto& one : filling) w.spawn(dial(w.loop, endpoint_of(address), {}, one));
  w.virtual_loop.run_ready();
  w.spawn(dial(w.loop, endpoint_of(address), {.deadline = w.clock.now() + 30s}, unanswered));
  w.virtual_loop.run_for(29s);
  EXPECT_FALSE(unanswered.has_value());
  w.virtual_loop.run_for(2s);
  ASSERT_TRUE(unanswered.has_value());
  EXPECT_EQ(unanswered->error().error, StreamError::timed_out);
  ::close(full);
}

TEST(Sockets, AReadEndsAtItsDeadline) {
  SocketWorld w;
  Keep keep;
  auto listener = *Listener::open(w.loop, kAnyPort);
  w.spawn(listener->run(keep));
  Connected connected;
  const Finish finish{w};
  w.spawn(dial(w.loop, listener->local(), {}, connected));
  ASSERT_TRUE(w.until([&] { return !keep.streams.empty(); }));
  std::string received;
  std::optional<StreamError> error;
  const Finish before_those{w};
  keep.streams[0]->set_deadline(w.clock.now() + 5min);
  w.spawn(read_one(*keep.streams[0], received, error));
  w.virtual_loop.run_for(4min);
  EXPECT_EQ(error, std::nullopt);
  keep.streams[0]->set_deadline(w.clock.now() + 5min);
  w.virtual_loop.run_for(4min);
  EXPECT_EQ(error, std::nullopt) << "pushed on";
  w.virtual_loop.run_for(61s);
  EXPECT_EQ(error, StreamError::timed_out);
}

TEST(Listener, TwoLoopsShareAPort) {
  SocketWorld w;
  auto first = *Listener::open(w.loop, kAnyPort);
  auto second = Listener::open(w.loop, first->local());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ((*second)->local(), first->local());
  const auto foreign = Listener::open(w.loop, {*IpAddress::parse("192.0.2.1"), 0});
  ASSERT_FALSE(foreign.has_value());
  EXPECT_EQ(foreign.error().text(),
            "cannot listen on 192.0.2.1:0: Cannot assign requested address; give an address of this machine");
}

TEST(Listener, LocalSocketsAreForTheirOwnerAlone) {
  SocketWorld w;
  Keep keep;
  std::string folder = std::filesystem::temp_directory_path() / "posthorn-sock-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::filesystem::path path = std::filesystem::path(folder) / "control";
  for (int round = 0; round < 2; ++round) {
    auto listener = Listener::open_local(w.loop, path);
    ASSERT_TRUE(listener.has_value());
    EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::all,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    w.spawn((*listener)->run(keep));
    bool done = false;
    const auto talk = [](Loop& loop, std::filesystem::path at, bool& said) -> Task<> {
      auto stream = co_await connect_local(loop, at);
      said = stream.has_value();
    };
    w.spawn(talk(w.loop, path, done));
    ASSERT_TRUE(w.until([&] { return done && keep.streams.size() == static_cast<std::size_t>(round) + 1; }));
    (*listener)->close();
    ASSERT_TRUE(w.until([&] { return w.group.size() == 0; }));
  }
  std::filesystem::remove_all(folder);
}

/// Connects as nobody and reads to the end: 0 octets where it is closed at once. Another user's thread, not process:
/// the raw call changes the calling thread alone.
ssize_t read_as_nobody(const std::filesystem::path& path) {
  constexpr long nobody = 65534;
  ssize_t got = -2;
  std::thread([&] {
    if (::syscall(SYS_setresuid, -1L, nobody, -1L) != 0) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.c_str(), path.native().size() + 1);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char octet = 0;
    got = -3;
    if (::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) got = ::recv(client, &octet, 1, 0);
    ::close(client);
  }).join();
  return got;
}

TEST(Listener, LocalSocketsAreClosedToOtherUsersEvenWhereTheModeIsChanged) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user, too";
  SocketWorld w;
  const Finish finish{w};
  Keep keep;
  std::string folder = std::filesystem::temp_directory_path() / "posthorn-sock-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::filesystem::path path = std::filesystem::path(folder) / "control";
  auto listener = Listener::open_local(w.loop, path);
  ASSERT_TRUE(listener.has_value());
  std::filesystem::permissions(folder, std::filesystem::perms::all);
  std::filesystem::permissions(path, std::filesystem::perms::all);
  w.spawn((*listener)->run(keep));
  std::future<ssize_t> got = std::async(std::launch::async, read_as_nobody, path);
  ASSERT_TRUE(w.until([&] { return got.wait_for(0s) == std::future_status::ready; }));
  EXPECT_EQ(got.get(), 0);
  EXPECT_TRUE(keep.streams.empty()) << "nobody is not heard";
  (*listener)->close();
  std::filesystem::remove_all(folder);
}

TEST(Listener, SurvivesAFullDescriptorTable) {
  SocketWorld w;
  Keep keep;
  auto listener = *Listener::open(w.loop, kAnyPort);
  w.spawn(listener->run(keep));
  // The client's socket exists before the table is full.
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> fillers;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 256;
  setrlimit(RLIMIT_NOFILE, &low);
  for (int filler = ::open("/dev/null", O_RDONLY); filler >= 0; filler = ::open("/dev/null", O_RDONLY))
    fillers.push_back(filler);
  const SocketAddress to = socket_address(listener->local());
  ASSERT_EQ(::connect(client, to.get(), to.length), 0);
  std::array<char, 100> text{};
  ssize_t got = -1;
  EXPECT_TRUE(w.until([&] { return got > 0 || (got = ::recv(client, text.data(), text.size(), MSG_DONTWAIT)) > 0; }));
  EXPECT_EQ(std::string_view(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))),
            "421 4.3.2 Too busy\r\n");
  EXPECT_EQ(::recv(client, text.data(), text.size(), 0), 0) << "and is closed";
  EXPECT_EQ(keep.exhausted, 1);
  for (const int filler : fillers) ::close(filler);
  setrlimit(RLIMIT_NOFILE, &before);
  ::close(client);
  Connected connected;
  const Finish finish{w};
  w.spawn(dial(w.loop, listener->local(), {}, connected));
  EXPECT_TRUE(w.until([&] { return keep.streams.size() == 1; })) << "and goes on";
}

// ---- TLS by key type: a client that insists on one, as old ones do --------------------------------------------

struct ClientOfOneKind {
  std::string server_name, signature_algorithms;
  int version;
};

/// The key type and subject the server presents, or why there was none. A blocking client of OpenSSL's own.
std::string presented(std::uint16_t port, const ClientOfOneKind& kind) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, kind.version);
  SSL_CTX_set1_sigalgs_list(context, kind.signature_algorithms.c_str());
  SSL* const ssl = SSL_new(context);
  SSL_set_tlsext_host_name(ssl, kind.server_name.c_str());
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const SocketAddress to = socket_address({kAnyPort.address, port});
  std::string result = "no connection";
  if (::connect(socket, to.get(), to.length) == 0) {
    SSL_set_fd(ssl, socket);
    result = "no handshake";
    if (SSL_connect(ssl) == 1) {
      X509* const certificate = SSL_get0_peer_certificate(ssl);
      std::array<char, 256> name{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
      result = std::string(EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate))) + " " + name.data();
    }
  }
  SSL_free(ssl);
  ::close(socket);
  SSL_CTX_free(context);
  return result;
}

struct Shake final : ConnectionHandler {
  explicit Shake(SocketWorld& w, const ServerTls& t) : world(w), tls(t) {}
  SocketWorld& world;
  const ServerTls& tls;
  static Task<> handle(std::unique_ptr<Stream> stream, const ServerTls& tls) {
    const auto shaken = co_await stream->start_tls(tls);
    if (shaken) co_await stream->close(Linger::yes);
  }
  void connected(Loop&, std::unique_ptr<Stream> stream) override { world.spawn(handle(std::move(stream), tls)); }
  [[nodiscard]] Octets refusal() const override { return {}; }
};

TEST(ServerTls, TwoNamesAndTwoKeyTypesForOldAndNewClients) {
  SocketWorld w;
  const auto make = [](const char* name, CertificateKeyType type) {
    return *make_self_signed({{name}, from_unix_seconds(1'700'000'000), from_unix_seconds(4'000'000'000), type});
  };
  const auto tls = *ServerTls::make(
      {make("one.example", CertificateKeyType::ecdsa_p256), make("one.example", CertificateKeyType::rsa_2048),
       make("two.example", CertificateKeyType::rsa_2048), make("two.example", CertificateKeyType::ecdsa_p256)});
  Shake shake(w, *tls);
  auto listener = *Listener::open(w.loop, kAnyPort);
  w.spawn(listener->run(shake));
  const std::uint16_t port = listener->local().port;
  const Finish finish{w};
  std::vector<std::string> seen;
  std::atomic<bool> done = false;
  std::jthread client([&seen, &done, port] {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      for (const char* name : {"one.example", "two.example"}) {
        seen.push_back(presented(port, {name, "ECDSA+SHA256", version}));
        seen.push_back(presented(port, {name, "RSA-PSS+SHA256:RSA+SHA256", version}));
      }
    }
    seen.push_back(presented(port, {"one.example", "ECDSA+SHA256:RSA+SHA256", TLS1_1_VERSION}));
    done = true;
  });
  EXPECT_TRUE(w.until([&done] { return done.load(); }));
  client.join();
  EXPECT_EQ(seen, (std::vector<std::string>{"EC one.example", "RSA one.example", "EC two.example", "RSA two.example",
                                            "EC one.example", "RSA one.example", "EC two.example", "RSA two.example",
                                            "no handshake"}));
}

}  // namespace
}  // namespace posthorn::net
