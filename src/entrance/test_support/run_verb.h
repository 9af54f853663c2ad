// run_words: a command line as main() runs it, with what it printed and its exit status.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "entrance/cli/verb.h"

namespace posthorn::entrance_test {

struct Ran {
  cli::Exit status{};
  std::string out, err;

  /// What was printed, which must be one JSON object.
  [[nodiscard]] boost::json::object object() const { return boost::json::parse(out).as_object(); }
  /// A member of it: a string as it is, anything else as JSON writes it.
  [[nodiscard]] std::string text(std::string_view key) const;
  /// Ids of its findings, in order, by spaces.
  [[nodiscard]] std::string ids() const;
};

Ran run_words(const std::vector<std::string>& words);
/// The same with --json behind the words.
Ran run_json(std::vector<std::string> words);

}  // namespace posthorn::entrance_test
