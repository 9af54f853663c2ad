// quickstart and a running site on loopback: what an administrator sees, reload, and an orderly end.
#include <fstream>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entrance/server/quickstart.h"
#include "entrance/server/serve.h"
#include "entrance/server/site_server.h"
#include "platform/net/connect.h"
#include "platform/runtime/files.h"
#include "platform/storage/reader.h"

namespace posthorn::server {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::string pattern = (fs::temp_directory_path() / "posthorn-server-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    options.domain = "alpha.example";
    options.dir = dir / "site";
    options.account = "ann";
    options.password = "correct-horse-battery";
    options.listen = "smtp=127.0.0.1:0,submission=127.0.0.1:0,submissions=127.0.0.1:0";
    options.dns_source = "127.0.0.1:9";
  }
  ~ServerTest() override { fs::remove_all(dir); }

  static std::string read(const fs::path& file) {
    auto text = runtime::read_file(file, 1 * MiB);
    return text ? *text : "";
  }
  void change(const std::string& from, const std::string& to) const {
    const fs::path file = options.dir / "posthorn.toml";
    std::string text = read(file);
    if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::string problem() const {
    const auto made = quickstart(options);
    return made ? "" : made.error().text();
  }

  fs::path dir;
  QuickstartOptions options;
};

// ---------------------------------------------------------------- quickstart

TEST_F(ServerTest, QuickstartMakesEverythingInOneFolder) {
  const auto made = quickstart(options);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->account, "ann@alpha.example");
  EXPECT_EQ(made->generated_password, "");
  EXPECT_EQ(made->config, dir / "site" / "posthorn.toml");
  const auto config = config::load(made->config);
  ASSERT_TRUE(config) << config.error().front().text();
  EXPECT_EQ(config->host_name, "mail.alpha.example");
  EXPECT_EQ(config->tls.certificate.size(), 2u) << "ECDSA and RSA";
  for (const fs::path& key : config->tls.key) {
    struct stat facts{};
    ASSERT_EQ(::stat(key.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 077u, 0u) << key;
  }
  EXPECT_THAT(made->records_text, HasSubstr("MX"));
  EXPECT_THAT(read(made->config), Not(HasSubstr(options.password)));
}

TEST_F(ServerTest, QuickstartMakesAPasswordWhereNoneIsGiven) {
  options.password = "";
  options.account = "";
  const auto made = quickstart(options);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->account, "postmaster@alpha.example");
  EXPECT_GE(made->generated_password.size(), 16u);
}

TEST_F(ServerTest, QuickstartRefusesAUsedFolderAndSaysWhatToDo) {
  ASSERT_EQ(problem(), "");
  EXPECT_THAT(problem(), testing::AllOf(HasSubstr("posthorn.toml is there already"), HasSubstr("posthorn serve")));
  fs::remove(options.dir / "posthorn.toml");
  EXPECT_THAT(problem(), HasSubstr("holds a store already"));
}

TEST_F(ServerTest, QuickstartKeepsTheModeOfAFolderThatWasThere) {
  fs::create_directory(options.dir);
  fs::permissions(options.dir, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);
  ASSERT_EQ(problem(), "");
  EXPECT_EQ(fs::status(options.dir).permissions(),
            fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);
}

TEST_F(ServerTest, QuickstartChecksEverythingBeforeItWritesAnything) {
  options.domain = "not a domain";
  EXPECT_THAT(problem(), HasSubstr("'not a domain' is no domain name"));
  options.domain = "alpha.example";
  options.host_name = "-x-";
  EXPECT_THAT(problem(), HasSubstr("--host-name"));
  options.host_name = "";
  options.listen = "smpt=127.0.0.1:25";
  EXPECT_THAT(problem(), testing::AllOf(HasSubstr("smpt=127.0.0.1:25"), HasSubstr("for example")));
  options.listen = "smtp=127.0.0.1:25,metrics=127.0.0.1:25";
  EXPECT_THAT(problem(), HasSubstr("127.0.0.1:25 is taken by listen.smtp"));
  options.listen = "";
  options.account = "a b";
  EXPECT_THAT(problem(), HasSubstr("--account a b@alpha.example"));
  options.account = "ann@beta.example";
  EXPECT_THAT(problem(), HasSubstr("is not in alpha.example"));
  options.account = "ann";
  options.dns_source = "bogus";
  EXPECT_THAT(problem(), HasSubstr("bogus"));
  EXPECT_FALSE(fs::exists(options.dir));
}

// ---------------------------------------------------------------- a running site

/// A client that blocks, with a time limit on every read.
class Line {
 public:
  explicit Line(const net::Endpoint& to) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.address.text().c_str(), &address.sin_addr);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (connected_) greeting = hear();
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { ::close(descriptor_); }

  void send(const std::string& octets) const {
    static_cast<void>(::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL));
  }
  /// One whole reply; what came of it when the connection ends.
  std::string hear() {
    for (;;) {
      for (std::size_t at = 0; at < ahead_.size();) {
        const auto end = ahead_.find("\r\n", at);
        if (end == std::string::npos) break;
        const bool last = end - at < 4 || ahead_[at + 3] == ' ';
        at = end + 2;
        if (!last) continue;
        std::string reply = ahead_.substr(0, at);
        ahead_.erase(0, at);
        return reply;
      }
      char piece[4096];
      const auto got = ::recv(descriptor_, piece, sizeof piece, 0);
      if (got <= 0) return std::exchange(ahead_, {});
      ahead_.append(piece, static_cast<std::size_t>(got));
    }
  }
  std::string say(const std::string& line) {
    send(line + "\r\n");
    return hear();
  }
  [[nodiscard]] bool connected() const { return connected_; }
  std::string greeting;

 private:
  int descriptor_;
  bool connected_ = false;
  std::string ahead_;
};

using Started = Result<std::unique_ptr<SiteServer>, Problem>;

Task<> start_site(Process& process, config::Config config, runtime::Logger log, std::promise<Started>& started) {
  SiteServer::Replacements replacements;
  replacements.log = std::move(log);
  started.set_value(co_await SiteServer::start(process, std::move(config), std::move(replacements)));
}

Task<> stop_site(std::unique_ptr<SiteServer>& site, Duration grace, std::promise<void>& stopped) {
  co_await site->stop(grace);
  site.reset();
  stopped.set_value();
}

Task<> leaf_certificate(Process& process, net::Endpoint at, std::promise<std::string>& leaf) {
  net::Loop& loop = *process.net_loops().front();
  const auto tls = net::ClientTls::make({.ca_file = {}, .use_system_store = false});
  auto stream = co_await net::connect(loop, at, {});
  std::string found;
  if (stream) {
    net::ClientHandshake handshake{.server_name = "mail.alpha.example"};
    const auto shaken = co_await (*stream)->start_tls(**tls, std::move(handshake));
    const auto chain = (*stream)->peer_chain();
    if (shaken && !chain.empty()) found = chain.front();
    stream->reset();
  }
  leaf.set_value(std::move(found));
}

class RunningTest : public ServerTest {
 protected:
  RunningTest() : process(1), group("test", runtime::Logger{}) {
    const auto made = quickstart(options);
    if (!made) throw std::runtime_error(made.error().text());
    config_file = made->config;
    log = runtime::Logger(
        process.clock(),
        [this](std::string_view line) {
          const std::lock_guard lock(mutex);
          log_text += line;
        },
        runtime::LogLevel::debug, runtime::LogFormat::logfmt);
    process.loops().start();
    auto started = start(config_file);
    if (!started) throw std::runtime_error(started.error().text());
    site = std::move(*started);
  }
  ~RunningTest() override {
    if (site) stop(0s);
    process.loops().stop();
  }
  Started start(const fs::path& file) {
    auto config = config::load(file);
    if (!config) throw std::runtime_error(config.error().front().text());
    std::promise<Started> started;
    spawn(start_site(process, std::move(*config), log, started));
    return started.get_future().get();
  }
  void stop(Duration grace) {
    std::promise<void> stopped;
    spawn(stop_site(site, grace, stopped));
    stopped.get_future().wait();
  }
  void spawn(Task<> task) { runtime::spawn(group, process.loops().executor(0), "task", std::move(task)); }
  [[nodiscard]] net::Endpoint at(std::string_view service) const {
    for (const Listening& each : site->listening())
      if (each.service == service) return each.at;
    return {};
  }
  std::string leaf() {
    std::promise<std::string> found;
    spawn(leaf_certificate(process, at("submissions"), found));
    return found.get_future().get();
  }
  std::string logged() {
    const std::lock_guard lock(mutex);
    return log_text;
  }

  std::mutex mutex;
  std::string log_text;
  runtime::Logger log;
  Process process;
  runtime::TaskGroup group;
  fs::path config_file;
  std::unique_ptr<SiteServer> site;
};

TEST_F(RunningTest, ASiteTakesMailAndReopens) {
  Line line(at("smtp"));
  EXPECT_THAT(line.greeting, StartsWith("220 mail.alpha.example "));
  EXPECT_THAT(line.say("EHLO client.example"), HasSubstr("STARTTLS"));
  EXPECT_THAT(line.say("MAIL FROM:<zoe@far.example>"), StartsWith("250 "));
  EXPECT_THAT(line.say("RCPT TO:<postmaster>"), StartsWith("250 "));
  EXPECT_THAT(line.say("DATA"), StartsWith("354 "));
  EXPECT_THAT(line.say("Subject: x\r\n\r\nHello.\r\n."), StartsWith("250 "));
  stop(10s);
  auto again = start(config_file);
  ASSERT_TRUE(again) << again.error().text();
  site = std::move(*again);
}

TEST_F(RunningTest, AnOrderlyEndFinishesAMessageInTransferAndSays421) {
  Line idle(at("smtp")), busy(at("smtp"));
  static_cast<void>(idle.say("EHLO idle.example"));
  static_cast<void>(busy.say("EHLO busy.example"));
  static_cast<void>(busy.say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(busy.say("RCPT TO:<ann@alpha.example>"));
  EXPECT_THAT(busy.say("DATA"), StartsWith("354 "));
  busy.send("Subject: half\r\n");
  const net::Endpoint smtp = at("smtp");
  std::promise<void> stopped;
  spawn(stop_site(site, 30s, stopped));
  EXPECT_THAT(idle.hear(), StartsWith("421 4.3.2 "));
  EXPECT_FALSE(Line(smtp).connected()) << "no new connections";
  busy.send("\r\nand whole.\r\n.\r\n");
  EXPECT_THAT(busy.hear(), StartsWith("250 "));
  EXPECT_THAT(busy.hear(), StartsWith("421 4.3.2 "));
  EXPECT_EQ(busy.hear(), "");
  EXPECT_EQ(stopped.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(RunningTest, TheGraceEndsSomeWhoNeverFinish) {
  Line busy(at("smtp"));
  static_cast<void>(busy.say("EHLO busy.example"));
  static_cast<void>(busy.say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(busy.say("RCPT TO:<ann@alpha.example>"));
  static_cast<void>(busy.say("DATA"));
  stop(100ms);
  EXPECT_EQ(busy.hear(), "");
}

TEST_F(RunningTest, ReloadTakesLimitsAndCertificates) {
  EXPECT_THAT(Line(at("smtp")).say("EHLO c.example"), HasSubstr("SIZE 67108864"));
  const std::string before = leaf();
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(leaf(), before);
  QuickstartOptions other = options;
  other.dir = dir / "other";
  ASSERT_TRUE(quickstart(other));
  for (const char* const name : {"ecdsa.pem", "ecdsa.key", "rsa.pem", "rsa.key"})
    fs::copy_file(other.dir / "tls" / name, options.dir / "tls" / name, fs::copy_options::overwrite_existing);
  std::ofstream(config_file, std::ios::app) << "\n[limits]\nmessage_size = \"5MB\"\n";
  Line early(at("smtp"));
  const auto reloaded = site->reload();
  ASSERT_TRUE(reloaded) << reloaded.error().front().text();
  EXPECT_THAT(Line(at("smtp")).say("EHLO c.example"), HasSubstr("SIZE 5242880"));
  EXPECT_THAT(early.say("EHLO c.example"), HasSubstr("SIZE 67108864")) << "a live session keeps what it was told";
  EXPECT_NE(leaf(), before);
}

TEST_F(RunningTest, AFaultyFileChangesNothingAndIsNamedWithItsLine) {
  std::ofstream(config_file, std::ios::app) << "\n[limits]\nmessage_size = \"5MB\"\nrecipient = 7\n";
  const auto reloaded = site->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_THAT(
      reloaded.error().front().text(),
      testing::AllOf(HasSubstr("posthorn.toml:"), HasSubstr("limits.recipient"), HasSubstr("limits.recipients?")));
  EXPECT_THAT(Line(at("smtp")).say("EHLO c.example"), HasSubstr("SIZE 67108864"));
}

TEST_F(RunningTest, ACertificateThatCannotBeReadIsNamedAndTheOldOneStays) {
  const std::string before = leaf();
  std::ofstream(options.dir / "tls" / "ecdsa.pem") << "no certificate\n";
  const auto reloaded = site->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_THAT(reloaded.error().front().text(), HasSubstr("ecdsa.pem"));
  EXPECT_EQ(leaf(), before);
}

TEST_F(RunningTest, WhatNeedsARestartIsSaidAndNotHalfDone) {
  change("mail.alpha.example", "other.alpha.example");
  const auto reloaded = site->reload();
  ASSERT_TRUE(reloaded);
  EXPECT_THAT(*reloaded, testing::ElementsAre("host_name"));
  EXPECT_EQ(site->reload().value(), *reloaded) << "said again while it waits";
  EXPECT_THAT(logged(), testing::AllOf(HasSubstr("next start"), HasSubstr("host_name")));
  EXPECT_THAT(Line(at("smtp")).greeting, StartsWith("220 mail.alpha.example "));
}

TEST_F(RunningTest, AStoreInUseAndAPortInUseAreSaidPlainly) {
  const auto twice = start(config_file);
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().text(), HasSubstr("store"));
  QuickstartOptions other = options;
  other.dir = dir / "other";
  other.listen = "smtp=" + at("smtp").text();
  ASSERT_TRUE(quickstart(other));
  const auto second = start(other.dir / "posthorn.toml");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(),
              testing::AllOf(HasSubstr(at("smtp").text()), HasSubstr("listen.smtp"), HasSubstr("choose another port")));
}

TEST_F(RunningTest, NoSecretIsLogged) {
  Line line(at("submission"));
  static_cast<void>(line.say("EHLO c.example"));
  static_cast<void>(line.say("AUTH PLAIN AGFubkBhbHBoYS5leGFtcGxlAGNvcnJlY3QtaG9yc2UtYmF0dGVyeQ=="));
  static_cast<void>(line.say("QUIT"));
  stop(5s);
  EXPECT_THAT(logged(), Not(testing::AnyOf(HasSubstr("correct-horse"), HasSubstr("AGFubkBh"))));
}

// ---------------------------------------------------------------- serve

TEST_F(ServerTest, ServeSaysEveryFaultOfItsFile) {
  fs::create_directory(options.dir);
  std::ofstream(options.dir / "posthorn.toml")
      << "host_name = 7\nstore.dir = \"store\"\n[listen]\nsmtp = \"here:25\"\n";
  const auto served = serve(options.dir / "posthorn.toml");
  ASSERT_FALSE(served);
  ASSERT_EQ(served.error().size(), 2u);
  EXPECT_THAT(served.error()[0].text(), HasSubstr("posthorn.toml:1: host_name"));
  EXPECT_THAT(served.error()[1].text(), HasSubstr("posthorn.toml:4: listen.smtp"));
}

TEST_F(ServerTest, SubmissionWithoutACertificateIsRefusedAtTheStart) {
  fs::create_directory(options.dir);
  std::ofstream(options.dir / "posthorn.toml") << "host_name = \"mail.alpha.example\"\nstore.dir = \"store\"\n"
                                                  "listen.submission = \"127.0.0.1:0\"\n";
  const auto served = serve(options.dir / "posthorn.toml");
  ASSERT_FALSE(served);
  EXPECT_THAT(served.error()[0].text(),
              testing::AllOf(HasSubstr("listen.submission"), HasSubstr("set tls.certificate and tls.key")));
}

}  // namespace
}  // namespace posthorn::server
