// Runs every golden session in tests/transcripts/imap (its README.md says how they are written).
#include <deque>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/test_support/imap_bench.h"
#include "standards/test_support/transcripts.h"

namespace posthorn::imap::server {
namespace {

namespace fs = std::filesystem;

using test_support::unescape;

/// How the executor answers one command.
struct Answer {
  std::vector<std::string> untagged;
  Condition condition = Condition::ok;
  ResponseCode code;
  std::string text = "done";
};

struct Step {
  std::string sent;
  std::string expected;
  std::deque<Answer> answers;
};

struct Transcript {
  bool is_clear = false;
  bool is_logged_in = false;
  bool is_selected = false;
  bool closes = false;
  std::vector<Step> steps;
};

Answer read_answer(std::string_view text) {
  Answer answer;
  const auto condition = text::take_until(text, ' ');
  answer.condition = condition == "ok" ? Condition::ok : condition == "no" ? Condition::no : Condition::bad;
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    answer.code.text = text::take_until(text, ']');
    text.remove_prefix(1);
  }
  answer.text = text;
  return answer;
}

void read_option(Transcript& transcript, std::string_view option) {
  transcript.is_clear = transcript.is_clear || option == "clear";
  transcript.is_logged_in = transcript.is_logged_in || option == "login" || option == "selected";
  transcript.is_selected = transcript.is_selected || option == "selected";
}

// A line of the client begins a new step where the server has answered, or where "--" stood.
void read_line(Transcript& transcript, std::string_view line, bool& is_new_step, std::vector<std::string>& untagged) {
  const auto rest = line.size() > 3 ? line.substr(3) : std::string_view{};
  if (line.starts_with("! ")) return read_option(transcript, line.substr(2));
  if (line == "--") {
    is_new_step = true;
  } else if (line == "CLOSED") {
    transcript.closes = true;
  } else if (line.starts_with("C: ") || line.starts_with("C| ")) {
    if (is_new_step || transcript.steps.empty() || !transcript.steps.back().expected.empty())
      transcript.steps.emplace_back();
    is_new_step = false;
    transcript.steps.back().sent += unescape(rest) + (line[1] == ':' ? "\r\n" : "");
  } else if (line.starts_with("S: ")) {
    if (transcript.steps.empty()) transcript.steps.emplace_back();
    transcript.steps.back().expected += unescape(rest) + "\r\n";
  } else if (line.starts_with("U: ")) {
    untagged.push_back(unescape(rest));
  } else if (line.starts_with("X: ")) {
    auto answer = read_answer(rest);
    answer.untagged = std::exchange(untagged, {});
    transcript.steps.back().answers.push_back(std::move(answer));
  } else {
    ADD_FAILURE() << "not a line of a transcript: " << line;
  }
}

Transcript read(const fs::path& path) {
  Transcript transcript;
  std::ifstream file(path);
  std::vector<std::string> untagged;
  bool is_new_step = true;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && !line.starts_with('#')) read_line(transcript, line, is_new_step, untagged);
  }
  return transcript;
}

// Line by line; "…" at the end of an expected line stands for anything.
void expect_lines(std::string_view expected, std::string_view said, const std::string& where) {
  while (!expected.empty() || !said.empty()) {
    auto wanted = expected.substr(0, expected.find("\r\n"));
    const auto line = said.substr(0, said.find("\r\n"));
    expected.remove_prefix(std::min(expected.size(), wanted.size() + 2));
    said.remove_prefix(std::min(said.size(), line.size() + 2));
    constexpr std::string_view anything = "…";
    if (wanted.ends_with(anything)) {
      wanted.remove_suffix(anything.size());
      EXPECT_TRUE(line.starts_with(wanted)) << where << "\nwanted: " << wanted << "…\nsaid:   " << line;
    } else {
      EXPECT_EQ(line, wanted) << where;
    }
  }
}

void execute(Session& session, std::deque<Answer>& answers) {
  const auto answer = answers.empty() ? Answer{} : answers.front();
  if (!answers.empty()) answers.pop_front();
  for (const auto& line : answer.untagged) session.responses().append(line + "\r\n");
  session.complete(answer.condition, answer.code, answer.text);
}

void play(const fs::path& path, std::size_t piece) {
  const auto transcript = read(path);
  const auto settings = test_settings();
  ImapBench bench(settings);
  if (transcript.is_logged_in) {
    bench.log_in();
  } else if (!transcript.is_clear) {
    bench.session.on_tls_established({});
  }
  if (transcript.is_selected) static_cast<void>(bench.line("selected SELECT INBOX"));
  std::deque<Answer> answers;
  bench.execute = [&](Session& session, const Execute&) { execute(session, answers); };
  for (const auto& step : transcript.steps) {
    answers = step.answers;
    const auto where = path.filename().string() + " in pieces of " + std::to_string(piece) + " after: " + step.sent;
    expect_lines(step.expected, bench.feed(step.sent, piece), where);
    EXPECT_TRUE(answers.empty()) << where << ": fewer commands were executed than expected";
  }
  EXPECT_EQ(bench.closed.has_value(), transcript.closes) << path;
}

TEST(ImapTranscripts, AllInPiecesOfEverySize) {
  const auto where = test_support::transcripts("imap");
  ASSERT_FALSE(where.empty()) << "tests/transcripts/imap is not above the tests";
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(where)) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    for (const std::size_t piece : {100'000u, 1u, 2u, 3u, 7u, 64u}) play(entry.path(), piece);
  }
  EXPECT_GE(count, 6u);
}

}  // namespace
}  // namespace posthorn::imap::server
