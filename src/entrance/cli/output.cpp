// What verbs print and read.
#include <cstdio>

#include "entrance/cli/verb.h"
#include "platform/runtime/files.h"

namespace posthorn::cli {
namespace {

constexpr std::size_t secret_octets_max = 4 * KiB;

}  // namespace

void print_problem(const Problem& problem) {
  const std::string line = fmt::format("posthorn: {}\n", problem.text());
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
  std::fwrite(text.data(), 1, text.size(), stdout);
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
