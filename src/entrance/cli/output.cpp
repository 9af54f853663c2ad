// What verbs print and read.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "entrance/cli/said.h"
#include "entrance/cli/verb.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/files.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t secret_octets_max = 4 * KiB;

/// What the program has said, as standard output and standard error are: one for the process.
struct Said {
  bool printed = false;          ///< on standard output
  std::optional<Problem> first;  ///< the first problem told
  std::string_view verb;         ///< for which it speaks; empty: none was found
};
Said& said() {
  static Said of_the_process;
  return of_the_process;
}

std::string_view kind_word(Exit status) {
  switch (status) {
    case Exit::no:
      return "no";
    case Exit::usage:
      return "usage";
    case Exit::done:
    case Exit::unavailable:
      break;
  }
  return "unavailable";
}

/// JSON is UTF-8 (RFC 8259 8.1); a word of the command line need not be.
std::string utf8(const std::string& words) {
  return text::is_utf8(words) ? words : text::printable(words, words.size());
}

/// INTERFACES: WHAT: WHY; WHAT TO DO. Deep rooms do not always know the third.
Problem with_remedy(Problem problem) {
  if (!problem.remedy.empty()) return problem;
  problem.remedy = problem.kind == ProblemKind::unavailable ? "try again; the server's log may say more"
                                                            : fmt::format("see posthorn help {}", said().verb);
  return problem;
}

std::string error_document(Exit status, const Problem& problem) {
  const json::object error{{"kind", kind_word(status)},
                           {"what", utf8(problem.what)},
                           {"why", utf8(problem.why)},
                           {"remedy", utf8(problem.remedy)}};
  return json::serialize(json::object{{"error", error}}) + "\n";
}

}  // namespace

void speak_for(std::string_view verb) {
  said().verb = verb;
}

void print_problem(const Problem& told) {
  const Problem problem = with_remedy(told);
  if (!said().first) said().first = problem;
  std::string line = fmt::format("posthorn: {}", problem.text());
  std::ranges::replace(line, '\n', ' ');  // SQLite's words about a damage have several lines
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Exit exit_for(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::no:
      return Exit::no;
    case ProblemKind::usage:
      return Exit::usage;
    case ProblemKind::unavailable:
      break;
  }
  return Exit::unavailable;
}

Exit report(const Problem& problem) {
  print_problem(problem);
  return exit_for(problem);
}

void print(std::string_view text) {
  if (!text.empty()) said().printed = true;
  std::fwrite(text.data(), 1, text.size(), stdout);
}

Exit end_output(Exit status, bool as_json) {
  const Said was = std::exchange(said(), {});
  if (as_json && status != Exit::done && !was.printed) {
    const Problem unnamed{ProblemKind::no, "the question", "it has no answer", "ask without --json"};
    const std::string document = error_document(status, was.first.value_or(unnamed));
    std::fwrite(document.data(), 1, document.size(), stdout);
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  const Problem cut{ProblemKind::unavailable, "standard output", "not everything could be written",
                    "make room where it goes"};
  print_problem(cut);
  std::exchange(said(), {});
  return Exit::unavailable;
}

Result<OctetString, Problem> read_input(const std::string& file, std::size_t octets_max) {
  if (file == "-") return runtime::read_standard_input(octets_max);
  auto octets = runtime::read_file(file, octets_max);
  if (!octets) octets.error().kind = ProblemKind::usage;  // INTERFACES: the input cannot be read
  return octets;
}

Result<std::string, Problem> read_secret(const std::string& file) {
  auto octets = read_input(file, secret_octets_max);
  if (!octets) return fail(std::move(octets.error()));
  std::string secret = octets->substr(0, octets->find_first_of("\r\n"));
  if (secret.empty())
    return fail(Problem{ProblemKind::usage, file, "its first line is empty", "write the password there"});
  return secret;
}

}  // namespace posthorn::cli
