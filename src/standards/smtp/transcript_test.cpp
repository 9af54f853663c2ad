// Runs every golden session in tests/transcripts/smtp (its README.md says how they are written).
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/test_support/smtp_pump.h"
#include "standards/test_support/transcripts.h"

namespace posthorn::smtp::server {
namespace {

namespace fs = std::filesystem;

using test_support::unescape;

struct Step {
  std::string sent;
  std::string expected;
};
struct Transcript {
  Settings settings;
  std::vector<Step> steps;
  std::vector<std::string> events;
  bool closes = false;
  bool tls_first = false;
  std::string refuse_greeting;
};

void set_option(Transcript& t, std::string_view line) {
  const auto name = text::take_until(line, ' ');
  const auto number = text::parse_number(line).value_or(0);
  auto& limits = t.settings.limits;
  if (name == "role")
    t.settings.role = line == "reception"    ? Role::reception
                      : line == "submission" ? Role::submission
                                             : Role::submissions;
  if (name == "role" && line == "submissions") t.tls_first = true;
  if (name == "starttls") t.settings.starttls = true;
  if (name == "size") limits.message_size_octets_max = number;
  if (name == "recipients") limits.recipients_max = static_cast<std::uint32_t>(number);
  if (name == "mails") limits.mails_max = static_cast<std::uint32_t>(number);
  if (name == "errors") limits.errors_max = static_cast<std::uint32_t>(number);
  if (name == "discard") limits.discarded_octets_max = number;
  if (name == "refuse-greeting") t.refuse_greeting = line;
}

Transcript read(const fs::path& path) {
  Transcript t;
  t.settings.host_name = "mx.example";
  t.settings.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::login};
  std::ifstream file(path);
  std::string line;
  bool sending = false;
  t.steps.emplace_back();
  while (std::getline(file, line)) {
    if (line.starts_with("C: ") || line.starts_with("C| ")) {
      if (!sending) t.steps.emplace_back();
      sending = true;
      t.steps.back().sent += unescape(std::string_view(line).substr(3)) + (line[1] == ':' ? "\r\n" : "");
    } else if (line == "--") {
      sending = false;
    } else if (line.starts_with("S: ")) {
      sending = false;
      t.steps.back().expected += line.substr(3) + "\r\n";
    } else if (line.starts_with("E: ")) {
      t.events.push_back(unescape(std::string_view(line).substr(3)));
    } else if (line == "CLOSED") {
      t.closes = true;
    } else if (line.starts_with("! ")) {
      set_option(t, std::string_view(line).substr(2));
    } else {
      EXPECT_TRUE(line.empty() || line.starts_with("#")) << path << ": " << line;
    }
  }
  return t;
}

// A line of the transcript ending in "…" fits every reply that begins so.
void compare(const std::string& expected, const std::string& got) {
  const auto want = text::split(expected, '\n');
  const auto have = text::split(got, '\n');
  ASSERT_EQ(want.size(), have.size()) << "wanted:\n" << expected << "got:\n" << got;
  for (std::size_t i = 0; i < want.size(); ++i) {
    auto line = text::trim_lines(want[i]);
    constexpr std::string_view dots = "…";
    if (line.ends_with(dots)) {
      line.remove_suffix(dots.size());
      EXPECT_TRUE(have[i].starts_with(line)) << "wanted: " << line << "\ngot: " << have[i];
    } else {
      EXPECT_EQ(line, text::trim_lines(have[i]));
    }
  }
}

void run(const fs::path& path, std::size_t segment) {
  SCOPED_TRACE(path.filename().string() + " in segments of " + std::to_string(segment));
  const auto t = read(path);
  TestPump pump(t.settings);
  if (t.tls_first)
    pump.session.on_tls_established(
        TlsFacts{.version = "TLSv1.3", .cipher = "x", .cipher_bits = 256, .server_name = "", .bindings = {}});
  if (!t.refuse_greeting.empty()) pump.refuse_greeting = Reply(554, {5, 7, 1}, t.refuse_greeting);
  std::string got = pump.run();
  for (std::size_t i = 0; i < t.steps.size(); ++i) {
    std::string_view rest = t.steps[i].sent;
    while (!rest.empty() && !pump.closed) {
      got += pump.feed(rest.substr(0, segment));
      rest.remove_prefix(std::min(segment, rest.size()));
    }
    compare(t.steps[i].expected, got);
    if (::testing::Test::HasFatalFailure()) return;
    got.clear();
  }
  EXPECT_EQ(t.events, pump.events);
  EXPECT_EQ(t.closes, pump.closed.has_value());
}

TEST(SmtpTranscripts, AllOfTheFolder) {
  std::size_t count = 0;
  ASSERT_FALSE(test_support::transcripts("smtp").empty())
      << "tests/transcripts/smtp is not found above the working folder or the binary";
  for (const auto& entry : fs::directory_iterator(test_support::transcripts("smtp"))) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    // A file that says "! whole" depends on its segments (what stands behind STARTTLS in one packet).
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    for (const std::size_t segment :
         {std::size_t{1} << 20, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
      run(entry.path(), segment);
      if (text.find("\n! whole") != std::string::npos || text.starts_with("! whole")) break;
    }
  }
  EXPECT_GE(count, 10U) << "transcripts are missing from " << test_support::transcripts("smtp");
}

}  // namespace
}  // namespace posthorn::smtp::server
