// Against a small server of our own on loopback that answers from a zone in memory.
#include "platform/resolver/resolver.h"

#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/socket_transport.h"
#include "platform/resolver/answer_cache.h"
#include "platform/runtime/files.h"
#include "platform/runtime/loops.h"
#include "standards/dns/wire.h"
#include "standards/dns/zone.h"

namespace posthorn::resolver {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kZone = R"(
$TTL 300
beta.test.        MX 10 mx.beta.test.
beta.test.        TXT "v=spf1 " "-all"
mx.beta.test.     A 192.0.2.7
www.beta.test.    CNAME web.beta.test.
web.beta.test. 60 A 192.0.2.8
;; servfail broken.beta.test.
;; timeout slow.beta.test.
)";

/// UDP alone; counts what it was asked.
class Server {
 public:
  Server() {
    net::SocketAddress address = net::socket_address({*IpAddress::parse("127.0.0.1"), 0});
    EXPECT_EQ(::bind(socket_, address.get(), address.length), 0);
    EXPECT_EQ(::getsockname(socket_, address.get(), &address.length), 0);
    endpoint = net::endpoint_of(address);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~Server() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  net::Endpoint endpoint;
  std::atomic<int> questions = 0;
  std::set<std::uint16_t> ports;  ///< that questions came from
  std::vector<unsigned> ids;      ///< of the questions, in order

 private:
  void serve(const std::stop_token& stop) {
    const dns::Zone zone = *dns::Zone::parse(kZone);
    while (!stop.stop_requested()) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) != 1) continue;
      std::array<char, 4096> query;
      net::SocketAddress from;
      const ssize_t got = ::recvfrom(socket_, query.data(), query.size(), 0, from.get(), &from.length);
      if (got <= 0) continue;
      ++questions;
      ports.insert(net::endpoint_of(from).port);
      ids.push_back(static_cast<unsigned char>(query[0]) * 256U + static_cast<unsigned char>(query[1]));
      const OctetString answer =
          dns::answer_query(zone, {query.data(), static_cast<std::size_t>(got)}, dns::Transport::udp);
      if (!answer.empty()) ::sendto(socket_, answer.data(), answer.size(), 0, from.get(), from.length);
    }
  }
  int socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::jthread thread_;
};

struct Asked {
  const char* name;
  dns::RecordType type;
};

Task<> ask_all(Options options, std::vector<Asked> questions, std::vector<dns::Answer>& answers) {
  runtime::SystemClock clock;
  const runtime::Executor executor = co_await runtime::current_executor();
  auto resolver = make_resolver(options, clock, executor);
  if (!resolver) throw std::runtime_error(resolver.error().text());
  for (const Asked& asked : questions) {
    answers.push_back(co_await (*resolver)->resolve(*dns::Name::parse(asked.name), asked.type));
  }
}

std::vector<dns::Answer> ask(const Options& options, const std::vector<Asked>& questions) {
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&]() -> Task<> { return ask_all(options, questions, answers); });
  return answers;
}

TEST(Resolver, TellsAnswersApartAndFollowsCnames) {
  const Server server;
  const auto answers = ask({.source = server.endpoint}, {{"beta.test", dns::RecordType::mx},
                                                         {"www.beta.test", dns::RecordType::a},
                                                         {"beta.test", dns::RecordType::txt},
                                                         {"mx.beta.test", dns::RecordType::aaaa},
                                                         {"none.beta.test", dns::RecordType::a},
                                                         {"broken.beta.test", dns::RecordType::a}});
  ASSERT_EQ(answers.size(), 6u);
  ASSERT_EQ(answers[0].status(), dns::Status::ok) << answers[0].reason();
  EXPECT_EQ(answers[0].all<dns::Mx>().at(0)->exchange.text(), "mx.beta.test");
  EXPECT_EQ(answers[0].ttl_seconds(), 300u);
  EXPECT_FALSE(answers[0].secure());
  ASSERT_EQ(answers[1].status(), dns::Status::ok);
  EXPECT_EQ(answers[1].canonical_name().text(), "web.beta.test");
  EXPECT_EQ(answers[1].all<dns::A>().at(0)->address.text(), "192.0.2.8");
  EXPECT_EQ(answers[1].ttl_seconds(), 60u);
  EXPECT_EQ(answers[2].all<dns::Txt>().at(0)->joined(), "v=spf1 -all");
  EXPECT_EQ(answers[3].status(), dns::Status::no_data);
  EXPECT_EQ(answers[4].status(), dns::Status::nx_domain);
  EXPECT_EQ(answers[5].status(), dns::Status::servfail);
}

TEST(Resolver, SilenceIsATimeoutAndTheSecondQuestionComesFromTheCache) {
  Server server;
  const auto answers = ask(
      {.source = server.endpoint, .question_time_max = 200ms},
      {{"beta.test", dns::RecordType::mx}, {"BETA.test", dns::RecordType::mx}, {"slow.beta.test", dns::RecordType::a}});
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_FALSE(answers[0].from_cache());
  EXPECT_TRUE(answers[1].from_cache());
  EXPECT_EQ(answers[1].status(), dns::Status::ok);
  EXPECT_EQ(answers[2].status(), dns::Status::timeout);
  EXPECT_EQ(answers[2].reason(), "no server answered in time");
}

TEST(Resolver, QuestionsComeFromChangingPortsWithIdsNobodyCanGuess) {
  std::vector<Asked> questions(1200, Asked{"none.beta.test", dns::RecordType::a});
  std::set<std::uint16_t> ports;
  std::vector<unsigned> ids;
  {
    Server server;
    (void)ask({.source = server.endpoint, .cached_answers_max = 0, .validates = false}, questions);
    ASSERT_EQ(server.questions, 1200);
    ports = server.ports;
    ids = server.ids;
  }
  EXPECT_GE(ports.size(), 4u) << "questions are spread over several ports";
  std::size_t neighbours = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) neighbours += ids[i] == ids[i - 1] + 1 ? 1 : 0;
  EXPECT_LE(neighbours, 3u);
  EXPECT_GE(std::set(ids.begin(), ids.end()).size(), 1100u);
}

TEST(Resolver, UnsignedAnswersWhereSignedOnesAreDueAreBogus) {
  const Server server;
  const auto answers = ask(
      {.source = server.endpoint,
       .trust_anchor = "beta.test. IN DS 4711 8 2 0000000000000000000000000000000000000000000000000000000000000000"},
      {{"beta.test", dns::RecordType::mx}});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status(), dns::Status::bogus);
  EXPECT_TRUE(answers[0].records().empty());
  EXPECT_NE(answers[0].reason(), "");
}

TEST(Resolver, AZoneFileIsASourceToo) {
  std::string path = std::filesystem::temp_directory_path() / "posthorn-zone-XXXXXX";
  ::close(mkstemp(path.data()));
  ASSERT_TRUE(runtime::write_file_atomically(path, kZone, runtime::FileAccess::readable).has_value());
  const auto answers =
      ask({.source = ZoneFile{path}}, {{"mx.beta.test", dns::RecordType::a}, {"slow.beta.test", dns::RecordType::a}});
  std::filesystem::remove(path);
  EXPECT_EQ(answers[0].status(), dns::Status::ok);
  EXPECT_EQ(answers[1].status(), dns::Status::timeout);
}

TEST(Source, ReadsEveryFormAndNothingElse) {
  EXPECT_TRUE(std::holds_alternative<SystemServers>(*parse_source("system")));
  EXPECT_TRUE(std::get<SystemServers>(*parse_source("system")).validates);
  EXPECT_FALSE(std::get<SystemServers>(*parse_source("unvalidated")).validates);
  EXPECT_TRUE(std::holds_alternative<Recursive>(*parse_source("recursive")));
  EXPECT_EQ(std::get<ZoneFile>(*parse_source("zone:a/b.zone")).path, "a/b.zone");
  EXPECT_EQ(std::get<net::Endpoint>(*parse_source("192.0.2.53")).text(), "192.0.2.53:53");
  EXPECT_EQ(std::get<net::Endpoint>(*parse_source("2001:db8::53")).text(), "[2001:db8::53]:53");
  EXPECT_EQ(std::get<net::Endpoint>(*parse_source("127.0.0.1:5353")).text(), "127.0.0.1:5353");
  EXPECT_TRUE(std::holds_alternative<Authoritative>(*parse_source("authoritative")));
  for (const char* bad : {"", "zone:", "authoritative@", "resolver.example", ":53", "127.0.0.1:0"}) {
    const auto source = parse_source(bad);
    ASSERT_FALSE(source) << bad;
    EXPECT_EQ(source.error().kind, ProblemKind::usage) << bad;
  }
}

TEST(AnswerCache, CountsTimeDownExpiresAndStaysBounded) {
  const TimePoint start = from_unix_seconds(1'800'000'000);
  AnswerCache cache(100);
  const auto answer = [](const std::string& name, dns::Status status, std::uint32_t ttl) {
    return dns::Answer({.question = *dns::Name::parse(name), .status = status, .ttl_seconds = ttl});
  };
  cache.keep(answer("a.test", dns::Status::nx_domain, 60), start);
  cache.keep(answer("b.test", dns::Status::servfail, 60), start);
  const auto find = [&cache](const char* name, TimePoint now) {
    return cache.find(*dns::Name::parse(name), dns::RecordType::a, now);
  };
  EXPECT_EQ(find("A.TEST", start + 20s)->ttl_seconds(), 40u);
  EXPECT_EQ(find("b.test", start), std::nullopt) << "failures are not kept";
  EXPECT_EQ(find("a.test", start + 60s), std::nullopt);
  for (int i = 0; i < 1000; ++i) cache.keep(answer(std::to_string(i) + ".test", dns::Status::no_data, 60), start);
  EXPECT_LE(cache.size(), 100u);
}

}  // namespace
}  // namespace posthorn::resolver
