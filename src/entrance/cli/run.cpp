// From the words of the command line to a verb.
#include <algorithm>
#include <iterator>

#include "entrance/cli/said.h"
#include "entrance/cli/verb.h"
#include "foundation/text/ascii.h"
#include "site/config/values.h"

namespace posthorn::cli {
namespace {

/// Verbs have one word or two.
constexpr std::size_t verb_words_max = 2;

std::string joined(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

struct Found {
  const Verb* verb = nullptr;
  std::size_t words = 0;
};
Found longest_verb(std::span<const std::string> words) {
  for (std::size_t n = std::min(verb_words_max, words.size()); n > 0; --n) {
    if (const Verb* verb = find_verb(joined(words.first(n)))) return {verb, n};
  }
  return {};
}

Exit unknown_verb(std::span<const std::string> words) {
  // Options that stand behind it are no part of its name.
  const auto first_option = std::ranges::find_if(words.subspan(1), [](const auto& w) { return w.starts_with('-'); });
  words = {words.begin(), first_option};
  if (const std::string of_noun = help_for(words.front()); !of_noun.empty() && words.size() == 1) {
    print(of_noun);
    return Exit::usage;
  }
  const std::string name = joined(words.first(std::min(verb_words_max, words.size())));
  std::vector<std::string_view> names;
  for (const Verb* verb : all_verbs()) names.push_back(verb->name);
  std::string_view best = config::nearest(name, names);
  if (best.empty()) best = config::nearest(words.front(), names);
  const std::string remedy =
      best.empty() ? std::string("posthorn help lists all verbs") : fmt::format("did you mean posthorn {}?", best);
  return report({ProblemKind::usage, text::printable(name), "there is no such verb", remedy});
}

Exit help(std::span<const std::string> given) {
  std::vector<std::string> words;
  std::ranges::copy_if(given, std::back_inserter(words), [](const auto& word) { return !word.starts_with('-'); });
  if (words.empty()) {
    print(help_overview());
    return Exit::done;
  }
  const std::string text = help_for(joined(words));
  if (text.empty()) return unknown_verb(words);
  print(text);
  return Exit::done;
}

Exit dispatch(std::span<const std::string> words) {
  if (words.empty()) {
    print(help_overview());
    return Exit::usage;
  }
  if (words.front() == "help" || words.front() == "--help" || words.front() == "-h") return help(words.subspan(1));
  if (words.front() == "--version" || words.front() == "version") {
    print("posthorn " POSTHORN_VERSION "\n");
    return Exit::done;
  }
  const Found found = longest_verb(words);
  if (found.verb == nullptr) return unknown_verb(words);
  speak_for(found.verb->name);
  const auto invocation = Invocation::parse(*found.verb, words.subspan(found.words));
  if (!invocation) return report(invocation.error());
  if (invocation->wants_help()) {
    print(help_for(found.verb->name));
    return Exit::done;
  }
  return found.verb->run(*invocation);
}

/// Also where the words do not fit a verb, or none was found.
bool asks_for_json(std::span<const std::string> words) {
  const auto options_end = std::ranges::find(words, "--");
  return std::find(words.begin(), options_end, "--json") != options_end;
}

}  // namespace

Exit run(std::span<const std::string> words) {
  const Exit status = dispatch(words);
  return end_output(status, asks_for_json(words));
}

}  // namespace posthorn::cli
