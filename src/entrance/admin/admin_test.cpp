#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/admin/control.h"
#include "entrance/admin/frames.h"
#include "entrance/admin/metrics_server.h"
#include "platform/runtime/loops.h"

namespace posthorn::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Frames, SurviveEveryCut) {
  std::string wire;
  append_frames(wire, 'R', "request");
  append_frames(wire, 'E', "");
  append_frames(wire, 'o', std::string(300, '\0'));
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    FrameReader reader;
    std::string types;
    reader.push(std::string_view(wire).substr(0, cut));
    while (const auto frame = reader.next()) types += frame->type;
    reader.push(std::string_view(wire).substr(cut));
    while (const auto frame = reader.next()) types += frame->type;
    EXPECT_EQ(types, "REo") << cut;
  }
}

TEST(Frames, LongPayloadsAreCutAndLongFramesRefused) {
  std::string wire;
  append_frames(wire, 'o', std::string(frame_octets_max + 1, 'x'));
  FrameReader reader;
  reader.push(wire);
  EXPECT_EQ(reader.next()->payload.size(), frame_octets_max);
  EXPECT_EQ(reader.next()->payload.size(), 1u);
  FrameReader hostile;
  hostile.push(std::string("o\x7f\xff\xff\xff", 5));
  EXPECT_EQ(hostile.next(), std::nullopt);
  EXPECT_TRUE(hostile.broken());
}

TEST(Frames, ProblemsKeepTheirKind) {
  EXPECT_TRUE(parse_end(end_json({})));
  for (const ProblemKind kind : {ProblemKind::no, ProblemKind::usage, ProblemKind::unavailable}) {
    const Problem problem{kind, "what", "why \"quoted\"", "remedy"};
    const Done done = parse_end(end_json(fail(problem)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), problem);
  }
  EXPECT_FALSE(parse_end("not json"));
  EXPECT_FALSE(parse_request("{\"verb\":1}"));
  EXPECT_FALSE(parse_request("[["));
}

TEST(Handlers, EveryNameIsFoundOnce) {
  for (const auto* const verb : {"domain add", "account set", "login revoke", "address list", "group remove",
                                 "queue drop", "message trace", "mailbox list", "store verify", "backup", "reload"}) {
    EXPECT_NE(find_handler(verb), nullptr) << verb;
  }
  EXPECT_EQ(find_handler("account frobnicate"), nullptr);
}

// ---------------------------------------------------------------- the socket

class Gathering final : public Answer {
 public:
  Task<Result<void, Problem>> item(std::string json) override {
    items.push_back(std::move(json));
    co_return Done{};
  }
  Task<Result<void, Problem>> octets(Octets octets) override {
    whole += octets;
    co_return Done{};
  }
  Task<Result<void, Problem>> value(std::string json) override {
    whole = std::move(json);
    co_return Done{};
  }
  std::vector<std::string> items;
  std::string whole;
};

Task<> serve_in(ControlServer& server) {
  co_await server.run();
}

Task<> converse(const std::filesystem::path& dir, int& reloads, std::optional<Done>& absent, std::optional<Done>& done,
                std::optional<Done>& unknown, Gathering& answer) {
  runtime::SystemClock clock;
  net::Loop loop(co_await runtime::current_executor(), clock);
  Request request{.verb = "reload", .arguments = {}, .input = std::string(100'000, 'x'), .by = {}};
  absent = co_await ask(loop, dir, request, answer);

  std::function<Site()> site = [&reloads] {
    Site made;
    made.reload = [&reloads]() -> Result<std::vector<std::string>, config::Problems> {
      ++reloads;
      return std::vector<std::string>{};
    };
    return made;
  };
  ControlServer server(loop, std::move(site), runtime::Logger());
  const auto opened = server.open(dir);
  if (!opened) co_return;
  runtime::TaskGroup group("test", runtime::Logger());
  runtime::spawn(group, loop.executor(), "server", serve_in(server));
  done = co_await ask(loop, dir, request, answer);
  request.verb = "frobnicate";
  unknown = co_await ask(loop, dir, request, answer);
  co_await server.stop();
  co_await group.join();
}

TEST(ControlSocket, AnswersOneRequestAConnection) {
  std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-control-XXXXXX").string();
  const std::filesystem::path dir = ::mkdtemp(pattern.data());
  int reloads = 0;
  std::optional<Done> absent, done, unknown;
  Gathering answer;
  runtime::run_to_end([&] { return converse(dir, reloads, absent, done, unknown, answer); });
  EXPECT_EQ(absent, std::nullopt);  // nobody listened yet
  ASSERT_TRUE(done);
  EXPECT_TRUE(*done) << done->error().text();
  EXPECT_EQ(reloads, 1);
  EXPECT_EQ(answer.whole, R"({"reloaded":true,"restart_needed":[]})");
  ASSERT_TRUE(unknown);
  ASSERT_FALSE(*unknown);
  EXPECT_EQ(unknown->error().kind, ProblemKind::usage);
  std::filesystem::remove_all(dir);
}

// ---------------------------------------------------------------- metrics

TEST(Metrics, AnswersTheTwoPathsAndNothingElse) {
  const auto exposition = [] { return std::string("posthorn_up 1\n"); };
  std::string why;
  const auto unhealthy = [&why] { return why; };
  const auto ask_for = [&](std::string_view line) { return metrics_reply(line, exposition, unhealthy); };
  EXPECT_THAT(ask_for("GET /metrics HTTP/1.1"),
              testing::AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("posthorn_up 1")));
  EXPECT_THAT(ask_for("HEAD /metrics HTTP/1.1"), testing::Not(HasSubstr("posthorn_up")));
  EXPECT_THAT(ask_for("GET /healthz?x HTTP/1.0"), StartsWith("HTTP/1.1 200 "));
  why = "the disk is full";
  EXPECT_THAT(ask_for("GET /healthz HTTP/1.1"), testing::AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr(why)));
  EXPECT_THAT(ask_for("GET / HTTP/1.1"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask_for("POST /metrics HTTP/1.1"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask_for("nonsense"), StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace posthorn::admin
