// Verb: one thing the program can do, as a row: name, words of help, what it takes, what runs. The tables of all nouns
// together are the command line; help, argument checks and "did you mean" are drawn from them (verbs.cpp).
//
// To add a verb: write a row in its noun's file (noun_*.cpp) and, for a new file, name its table in verbs.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::cli {

/// Exit statuses (INTERFACES: commands in general).
enum class Exit : int {
  done = 0,         ///< done, or an answer was reached
  no = 1,           ///< the answer is "no"
  usage = 2,        ///< wrong use, or the input cannot be read
  unavailable = 3,  ///< could not be done now
};

/// A positional argument.
struct Argument {
  std::string_view name;  ///< "ADDRESS"
  std::string_view help;
  bool required = true;
  bool repeated = false;  ///< the last one only: takes every further word
};

struct Option {
  std::string_view name;   ///< "--to"
  std::string_view value;  ///< "ACCOUNT"; empty: a flag
  std::string_view help;
  bool required = false;
  bool repeated = false;
};

class Invocation;

struct Verb {
  std::string_view name;     ///< "account add"
  std::string_view summary;  ///< one line, no full stop
  std::string_view help;     ///< what it does and examples; paragraphs as they are printed
  std::vector<Argument> arguments;
  std::vector<Option> options;
  Exit (*run)(const Invocation& invocation);
};

/// What stands on the command line after the verb, checked against its row.
class Invocation {
 public:
  /// Every verb takes these: --json, --config FILE, --help.
  [[nodiscard]] static std::span<const Option> common_options();
  /// A Problem of kind usage where the words do not fit the verb.
  [[nodiscard]] static Result<Invocation, Problem> parse(const Verb& verb, std::span<const std::string> words);

  [[nodiscard]] const Verb& verb() const { return *verb_; }
  /// By option name ("--to") or argument name ("ADDRESS"); empty: not given.
  [[nodiscard]] std::string get(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& all(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] bool json() const { return has("--json"); }
  [[nodiscard]] bool wants_help() const { return has("--help"); }

 private:
  const Verb* verb_ = nullptr;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Every verb, in the order of help.
[[nodiscard]] std::span<const Verb* const> all_verbs();
[[nodiscard]] const Verb* find_verb(std::string_view name);

// ---- help.cpp
[[nodiscard]] std::string help_overview();
/// One verb, or every verb of a noun; empty: there is neither.
[[nodiscard]] std::string help_for(std::string_view name);
[[nodiscard]] std::string usage_line(const Verb& verb);

// ---- output.cpp
/// "posthorn: WHAT: WHY; WHAT TO DO" on standard error.
void print_problem(const Problem& problem);
[[nodiscard]] Exit exit_for(const Problem& problem);
/// Both.
[[nodiscard]] Exit report(const Problem& problem);
void print(std::string_view text);  ///< on standard output
/// Ends what was said since the last call: with `as_json` a failure that has printed nothing prints its document,
/// {"error":{"kind","what","why","remedy"}} (kind: no, usage, unavailable), so that --json always answers with one.
/// Exit::unavailable where standard output took not everything.
[[nodiscard]] Exit end_output(Exit status, bool as_json);
/// FILE, or standard input for "-"; at most `octets_max`.
[[nodiscard]] Result<OctetString, Problem> read_input(const std::string& file, std::size_t octets_max);
/// A file's first line without its line end: passwords.
[[nodiscard]] Result<std::string, Problem> read_secret(const std::string& file);

/// The program: `words` are the arguments without the program's name.
[[nodiscard]] Exit run(std::span<const std::string> words);

}  // namespace posthorn::cli
