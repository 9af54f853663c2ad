// Log lines, metrics and small files, as operators and their tools read them.
#include <fstream>
#include <limits>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "platform/runtime/files.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"

namespace posthorn::runtime {
namespace {

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "posthorn-test-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

struct Lines {
  VirtualClock clock{from_unix_seconds(1'780'000'000)};
  std::string text;
  Logger logger(LogLevel level, LogFormat format) {
    return Logger(clock, [this](std::string_view line) { text += line; }, level, format);
  }
};

TEST(Log, LogfmtQuotesOnlyWhatNeedsIt) {
  Lines lines;
  const Logger log = lines.logger(LogLevel::info, LogFormat::logfmt).for_session(SessionId{1});
  log.info("message accepted", {{"size", 4096}, {"from", "ann@alpha.example"}, {"tls", true}, {"note", "a \"b\"\r\n"}});
  log.debug("unseen");
  EXPECT_EQ(lines.text,
            "time=2026-05-28T20:26:40.000Z level=info event=\"message accepted\" session=0000000000001 size=4096 "
            "from=ann@alpha.example tls=true note=\"a \\\"b\\\"\\r\\n\"\n");
}

TEST(Log, JsonLinesStayJsonForAnyOctets) {
  Lines lines;
  lines.logger(LogLevel::debug, LogFormat::json).warning("odd peer", {{"helo", "caf\xc3\xa9 \xff\x01\\"}, {"n", -1}});
  EXPECT_EQ(lines.text,
            "{\"time\":\"2026-05-28T20:26:40.000Z\",\"level\":\"warning\",\"event\":\"odd peer\","
            "\"helo\":\"caf\xc3\xa9 \\u00ff\\u0001\\\\\",\"n\":-1}\n");
}

TEST(Log, AFileIsOpenedAgainAfterRotation) {
  const TemporaryFolder folder;
  const VirtualClock clock(TimePoint{});
  const auto path = folder.path / "log";
  const auto log = Logger::to_file(clock, path, LogLevel::info, LogFormat::logfmt);
  ASSERT_TRUE(log.has_value());
  log->info("first");
  std::filesystem::rename(path, folder.path / "log.1");
  log->reopen();
  log->info("second");
  EXPECT_NE(read_file(path, 1000)->find("event=second"), std::string::npos);
  EXPECT_EQ(read_file(folder.path / "log.1", 1000)->find("event=second"), std::string::npos);
}

TEST(Metrics, ExpositionIsPrometheusText) {
  Metrics metrics;
  metrics.counter("posthorn_smtp_sessions_total", "Sessions.", {{"service", "smtp"}}).add(3);
  metrics.counter("posthorn_smtp_sessions_total", "Sessions.", {{"service", "a\"b"}}).add();
  metrics.gauge("posthorn_queue_recipients", "Waiting.").set(-2);
  Histogram& h = metrics.histogram("posthorn_commit_seconds", "Commit.", {0.1, 1});
  h.observe(0.05);
  h.observe(0.1);
  h.observe(7);
  EXPECT_EQ(metrics.exposition(),
            "# HELP posthorn_smtp_sessions_total Sessions.\n# TYPE posthorn_smtp_sessions_total counter\n"
            "posthorn_smtp_sessions_total{service=\"smtp\"} 3\nposthorn_smtp_sessions_total{service=\"a\\\"b\"} 1\n"
            "# HELP posthorn_queue_recipients Waiting.\n# TYPE posthorn_queue_recipients gauge\n"
            "posthorn_queue_recipients -2\n"
            "# HELP posthorn_commit_seconds Commit.\n# TYPE posthorn_commit_seconds histogram\n"
            "posthorn_commit_seconds_bucket{le=\"0.1\"} 2\nposthorn_commit_seconds_bucket{le=\"1\"} 2\n"
            "posthorn_commit_seconds_bucket{le=\"+Inf\"} 3\n"
            "posthorn_commit_seconds_sum 7.15\nposthorn_commit_seconds_count 3\n");
}

TEST(Files, AreReplacedWholeAndReadBounded) {
  const TemporaryFolder folder;
  const auto path = folder.path / "key.pem";
  ASSERT_TRUE(write_file_atomically(path, "old", FileAccess::readable));
  ASSERT_TRUE(write_file_atomically(path, "secret", FileAccess::owner_only));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(*read_file(path, 6), "secret");
  EXPECT_EQ(read_file(path, 5).error().kind, ProblemKind::usage);
  EXPECT_EQ(read_file(folder.path / "none", 5).error().text(),
            "cannot read " + (folder.path / "none").string() + ": No such file or directory; check the path");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1) << "no temporary file stays";
}

}  // namespace
}  // namespace posthorn::runtime
