// Streams in memory, with faults, deadlines and interruption; TLS over them, both ways.
#include "platform/net/memory_stream.h"

#include <gtest/gtest.h>

#include "platform/net/certificate.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);

struct MemoryWorld {
  runtime::VirtualClock clock{kStart};
  runtime::VirtualLoop virtual_loop{clock};
  Loop loop{virtual_loop.executor(), clock};
  runtime::TaskGroup group{"test", runtime::Logger{}};
  ~MemoryWorld() {
    group.cancel();
    virtual_loop.run_ready();
    EXPECT_EQ(group.failures(), 0u);
  }
  /// Streams live longer than the tasks that use them.
  MemoryPair& pair(const MemoryPairOptions& options = {}) {
    return pairs.emplace_back(make_memory_pair(loop, options));
  }
  std::deque<MemoryPair> pairs;
  void spawn(Task<> task) { runtime::spawn(group, loop.executor(), "task", std::move(task)); }
};

Task<> write_all(Stream& stream, std::string octets, std::optional<StreamError>& error) {
  const auto written = co_await stream.write(octets);
  if (!written) error = written.error();
}

Task<> read_all(Stream& stream, std::string& octets, std::optional<StreamError>& end) {
  std::array<char, 1000> piece;
  for (;;) {
    const auto got = co_await stream.read_some(piece);
    if (!got) {
      end = got.error();
      co_return;
    }
    octets.append(piece.data(), *got);
  }
}

Task<> close_it(Stream& stream, Linger linger, bool& closed) {
  co_await stream.close(linger);
  closed = true;
}

TEST(MemoryStream, CarriesOctetsInSmallPiecesAndEndsInOrder) {
  MemoryWorld w;
  MemoryPair& pair = w.pair({.to_server = {.piece_octets_max = 3, .buffer_octets = 7}});
  std::string received;
  std::optional<StreamError> end, error;
  bool closed = false;
  w.spawn(read_all(*pair.server, received, end));
  w.spawn(write_all(*pair.client, "EHLO client.example\r\n", error));
  w.virtual_loop.run_ready();
  EXPECT_EQ(received, "EHLO client.example\r\n");
  EXPECT_EQ(end, std::nullopt);
  w.spawn(close_it(*pair.client, Linger::no, closed));
  w.virtual_loop.run_ready();
  EXPECT_EQ(end, StreamError::closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(error, std::nullopt);
}

TEST(MemoryStream, CutsAndStallsWhereToldTo) {
  MemoryWorld w;
  MemoryPair& cut = w.pair({.to_server = {.cut_after = 5}});
  MemoryPair& stalled = w.pair({.to_server = {.stall_after = 5}});
  std::string before_cut, before_stall;
  std::optional<StreamError> cut_end, stall_end, ignored;
  stalled.server->set_deadline(kStart + 5min);
  w.spawn(read_all(*cut.server, before_cut, cut_end));
  w.spawn(read_all(*stalled.server, before_stall, stall_end));
  w.spawn(write_all(*cut.client, "0123456789", ignored));
  w.spawn(write_all(*stalled.client, "0123456789", ignored));
  w.virtual_loop.run_ready();
  EXPECT_EQ(before_cut, "01234");
  EXPECT_EQ(cut_end, StreamError::reset);
  EXPECT_EQ(before_stall, "01234");
  EXPECT_EQ(stall_end, std::nullopt);
  w.virtual_loop.run_for(5min - 1ms);
  EXPECT_EQ(stall_end, std::nullopt);
  w.virtual_loop.run_for(1s);
  EXPECT_EQ(stall_end, StreamError::timed_out);
}

TEST(MemoryStream, AWriterWaitsForItsDeadlineWhenNobodyReads) {
  MemoryWorld w;
  MemoryPair& pair = w.pair({.to_server = {.buffer_octets = 10}});
  std::optional<StreamError> error;
  pair.client->set_deadline(kStart + 2min);
  w.spawn(write_all(*pair.client, std::string(100, 'x'), error));
  w.virtual_loop.run_for(1min);
  EXPECT_EQ(error, std::nullopt);
  w.virtual_loop.run_for(2min);
  EXPECT_EQ(error, StreamError::timed_out);
}

TEST(MemoryStream, InterruptEndsOneWaitForInputAndWritingGoesOn) {
  MemoryWorld w;
  MemoryPair& pair = w.pair();
  std::string received, goodbye;
  std::optional<StreamError> end, error, second_end, client_end;
  w.spawn(read_all(*pair.server, received, end));
  w.virtual_loop.run_ready();
  pair.server->interrupt();
  w.virtual_loop.run_ready();
  EXPECT_EQ(end, StreamError::interrupted);
  w.spawn(write_all(*pair.server, "421 4.3.2 Bye\r\n", error));
  w.spawn(read_all(*pair.client, goodbye, client_end));
  w.spawn(read_all(*pair.server, received, second_end));
  w.virtual_loop.run_ready();
  EXPECT_EQ(goodbye, "421 4.3.2 Bye\r\n");
  EXPECT_EQ(second_end, std::nullopt) << "interrupted once, not for ever";
}

TEST(MemoryStream, LingerWaitsTwoSecondsForThePeerToEnd) {
  MemoryWorld w;
  MemoryPair& silent = w.pair();
  MemoryPair& polite = w.pair();
  bool silent_closed = false, polite_closed = false, client_closed = false;
  w.spawn(close_it(*silent.server, Linger::yes, silent_closed));
  w.spawn(close_it(*polite.server, Linger::yes, polite_closed));
  w.virtual_loop.run_for(1s);
  EXPECT_FALSE(silent_closed || polite_closed);
  w.spawn(close_it(*polite.client, Linger::no, client_closed));
  w.virtual_loop.run_ready();
  EXPECT_TRUE(polite_closed);
  EXPECT_FALSE(silent_closed);
  w.virtual_loop.run_for(2s);
  EXPECT_TRUE(silent_closed);
}

TEST(MemoryStream, CancellingUnwindsReaders) {
  MemoryWorld w;
  MemoryPair& pair = w.pair();
  std::string received;
  std::optional<StreamError> end;
  w.spawn(read_all(*pair.server, received, end));
  w.virtual_loop.run_ready();
  w.group.cancel();
  w.virtual_loop.run_ready();
  EXPECT_EQ(w.group.size(), 0u);
  EXPECT_EQ(w.group.failures(), 0u);
}

// ---- TLS -----------------------------------------------------------------------------------------------------

NewCertificate wanted(std::vector<std::string> names, CertificateKeyType type) {
  return {std::move(names), from_unix_seconds(1'700'000'000), from_unix_seconds(4'000'000'000), type};
}

struct TlsWorld : MemoryWorld {
  CertificateAuthority authority =
      *CertificateAuthority::make("Test CA", from_unix_seconds(1'700'000'000), from_unix_seconds(4'000'000'000));
  std::filesystem::path ca_file;
  std::unique_ptr<ServerTls> server_tls;
  std::unique_ptr<ClientTls> client_tls;

  TlsWorld() {
    std::string name = std::filesystem::temp_directory_path() / "posthorn-ca-XXXXXX";
    const int descriptor = mkstemp(name.data());
    ca_file = name;
    EXPECT_GT(::write(descriptor, authority.authority_pem().data(), authority.authority_pem().size()), 0);
    ::close(descriptor);
    server_tls = *ServerTls::make({issue({"mx.alpha.example", "alpha.example"}, CertificateKeyType::ecdsa_p256),
                                   issue({"mx.alpha.example"}, CertificateKeyType::rsa_2048),
                                   issue({"*.beta.example"}, CertificateKeyType::ecdsa_p256),
                                   issue({"*.beta.example"}, CertificateKeyType::rsa_2048)});
    client_tls = *ClientTls::make({.ca_file = ca_file, .use_system_store = false});
  }
  ~TlsWorld() { std::filesystem::remove(ca_file); }
  CertificateAndKey issue(std::vector<std::string> names, CertificateKeyType type) const {
    return *authority.issue(wanted(std::move(names), type));
  }
};

struct Shaken {
  std::optional<Result<void, TlsFailure>> server, client;
  [[nodiscard]] bool both() const { return server && client && *server && *client; }
};

Task<> shake_server(Stream& stream, const ServerTls& tls, Shaken& shaken) {
  shaken.server = co_await stream.start_tls(tls);
}
Task<> shake_client(Stream& stream, const ClientTls& tls, ClientHandshake handshake, Shaken& shaken) {
  shaken.client = co_await stream.start_tls(tls, std::move(handshake));
}

Shaken shake(TlsWorld& w, MemoryPair& pair, const ClientHandshake& handshake) {
  Shaken shaken;
  pair.server->set_deadline(w.clock.now() + 30s);
  pair.client->set_deadline(w.clock.now() + 30s);
  w.spawn(shake_server(*pair.server, *w.server_tls, shaken));
  w.spawn(shake_client(*pair.client, *w.client_tls, handshake, shaken));
  w.virtual_loop.run_for(31s);
  pair.server->set_deadline(TimePoint::max());
  pair.client->set_deadline(TimePoint::max());
  return shaken;
}

TEST(Tls, CarriesMailBothWaysInAnyPieces) {
  TlsWorld w;
  for (const std::size_t piece : {1U, 7U, 65536U}) {
    MemoryPair& pair = w.pair({.to_server = {.piece_octets_max = piece}, .to_client = {.piece_octets_max = piece}});
    ASSERT_TRUE(shake(w, pair, {.server_name = "mx.alpha.example", .names = {"mx.alpha.example"}}).both());
    std::string big(300'000, 'm'), received, answer;
    std::optional<StreamError> end, answer_end, error, answer_error;
    bool closed = false;
    w.spawn(read_all(*pair.server, received, end));
    w.spawn(read_all(*pair.client, answer, answer_end));
    w.spawn(write_all(*pair.client, big, error));
    w.spawn(write_all(*pair.server, "250 2.0.0 Accepted\r\n", answer_error));
    w.virtual_loop.run_ready();
    EXPECT_EQ(received, big);
    EXPECT_EQ(answer, "250 2.0.0 Accepted\r\n");
    w.spawn(close_it(*pair.client, Linger::no, closed));
    w.virtual_loop.run_ready();
    EXPECT_EQ(end, StreamError::closed) << "close_notify is an end in order";
  }
}

TEST(Tls, InfoAndChannelBindingsAgreeOnBothSides) {
  TlsWorld w;
  MemoryPair& pair = w.pair();
  ASSERT_TRUE(shake(w, pair, {.server_name = "mx.alpha.example", .names = {"mx.alpha.example"}}).both());
  const TlsInfo server = *pair.server->tls_info(), client = *pair.client->tls_info();
  EXPECT_EQ(server.version, "TLSv1.3");
  EXPECT_EQ(server.cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(server.cipher_bits, 256u);
  EXPECT_EQ(server.group, "x25519");
  EXPECT_EQ(server.server_name, "mx.alpha.example");
  EXPECT_TRUE(client.verified) << client.verify_problem;
  for (const ChannelBinding kind : {ChannelBinding::tls_exporter, ChannelBinding::tls_server_end_point}) {
    const auto binding = pair.server->channel_binding(kind);
    ASSERT_TRUE(binding.has_value());
    EXPECT_EQ(binding->size(), 32u);
    EXPECT_EQ(binding, pair.client->channel_binding(kind));
  }
  EXPECT_EQ(pair.client->peer_chain().size(), 1u);
  EXPECT_TRUE(pair.server->peer_chain().empty());
}

TEST(Tls, TheCertificateIsChosenByName) {
  TlsWorld w;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"mx.alpha.example", "mx.alpha.example"}, {"MX.BETA.example", "*.beta.example"},
      {"alpha.example", "mx.alpha.example"},    {"a.b.beta.example", "mx.alpha.example"},
      {"unknown.example", "mx.alpha.example"},  {"", "mx.alpha.example"}};
  for (const auto& [asked, served] : cases) {
    MemoryPair& pair = w.pair();
    ASSERT_TRUE(shake(w, pair, {.server_name = asked}).both()) << asked;
    const auto chain = pair.client->peer_chain();
    ASSERT_EQ(chain.size(), 1u);
    EXPECT_NE(chain[0].find(served), std::string::npos) << asked;
    EXPECT_FALSE(pair.client->tls_info()->verified) << "no name was asked for";
  }
}

TEST(Tls, VerificationNamesWhatIsWrong) {
  TlsWorld w;
  const auto verify = [&w](std::string name, bool require) {
    MemoryPair& pair = w.pair();
    const Shaken shaken = shake(w, pair, {.server_name = name, .names = {name}, .require_verified = require});
    if (!shaken.client || !*shaken.client) return shaken.client ? shaken.client->error().reason : "no answer";
    return pair.client->tls_info()->verify_problem;
  };
  EXPECT_EQ(verify("mx.alpha.example", true), "");
  EXPECT_EQ(verify("one.beta.example", true), "");
  EXPECT_EQ(verify("mx.gamma.example", false), "hostname mismatch");
  EXPECT_NE(verify("mx.gamma.example", true).find("hostname mismatch"), std::string::npos);
  w.server_tls = *ServerTls::make({*make_self_signed(wanted({"mx.gamma.example"}, CertificateKeyType::ecdsa_p256))});
  EXPECT_EQ(verify("mx.gamma.example", false), "self-signed certificate");
  EXPECT_NE(verify("mx.gamma.example", true).find("self-signed certificate"), std::string::npos);
}

TEST(Tls, CertificatesAreReplacedWhileConnectionsLive) {
  TlsWorld w;
  MemoryPair& old_pair = w.pair();
  MemoryPair& new_pair = w.pair();
  ASSERT_TRUE(shake(w, old_pair, {.server_name = "mx.alpha.example"}).both());
  EXPECT_FALSE(w.server_tls->replace({{"no PEM", "none"}}).has_value());
  ASSERT_EQ(w.server_tls->certificates().size(), 4u) << "a bad replacement changes nothing";
  ASSERT_TRUE(w.server_tls->replace({w.issue({"mx.delta.example"}, CertificateKeyType::ecdsa_p256)}).has_value());
  ASSERT_TRUE(shake(w, new_pair, {.server_name = "mx.delta.example", .names = {"mx.delta.example"}}).both());
  EXPECT_TRUE(new_pair.client->tls_info()->verified);
  std::string received;
  std::optional<StreamError> end, error;
  w.spawn(read_all(*old_pair.server, received, end));
  w.spawn(write_all(*old_pair.client, "NOOP\r\n", error));
  w.virtual_loop.run_ready();
  EXPECT_EQ(received, "NOOP\r\n");
}

TEST(Tls, GarbageAndSilenceEndTheHandshake) {
  TlsWorld w;
  MemoryPair& garbage = w.pair();
  MemoryPair& silence = w.pair();
  Shaken with_garbage, with_silence;
  std::optional<StreamError> ignored;
  silence.server->set_deadline(kStart + 30s);
  w.spawn(shake_server(*garbage.server, *w.server_tls, with_garbage));
  w.spawn(shake_server(*silence.server, *w.server_tls, with_silence));
  w.spawn(write_all(*garbage.client, "EHLO I do not speak TLS\r\n", ignored));
  w.virtual_loop.run_ready();
  ASSERT_TRUE(with_garbage.server.has_value());
  EXPECT_EQ(with_garbage.server->error().error, StreamError::tls);
  EXPECT_FALSE(with_silence.server.has_value());
  w.virtual_loop.run_for(31s);
  ASSERT_TRUE(with_silence.server.has_value());
  EXPECT_EQ(with_silence.server->error().error, StreamError::timed_out);
}

TEST(Certificate, FactsAreReadBackAndKeysMustFit) {
  const auto ecdsa =
      *make_self_signed(wanted({"mx.example", "192.0.2.1", "2001:db8::1"}, CertificateKeyType::ecdsa_p256));
  const auto rsa = *make_self_signed(wanted({"mx.example"}, CertificateKeyType::rsa_2048));
  const CertificateFacts facts = *read_certificate(ecdsa.chain_pem);
  EXPECT_EQ(facts.names, (std::vector<std::string>{"mx.example", "192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(facts.key_type, "ECDSA P-256");
  EXPECT_EQ(facts.not_after, from_unix_seconds(4'000'000'000));
  EXPECT_EQ(read_certificate(rsa.chain_pem)->key_type, "RSA 2048");
  EXPECT_EQ(ServerTls::make({{ecdsa.chain_pem, rsa.key_pem}}).error().why,
            "the key does not belong to the certificate");
  EXPECT_FALSE(ServerTls::make({}).has_value());
  EXPECT_FALSE(make_self_signed(wanted({"evil.example,IP:1.2.3.4"}, CertificateKeyType::ecdsa_p256)).has_value());
}

}  // namespace
}  // namespace posthorn::net
