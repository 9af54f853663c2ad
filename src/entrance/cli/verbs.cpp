// The tables of all nouns, put together.
#include <algorithm>

#include "entrance/cli/tables.h"
#include "entrance/cli/verb.h"

namespace posthorn::cli {

std::span<const Verb* const> all_verbs() {
  static const std::vector<const Verb*> verbs = [] {
    std::vector<const Verb*> all;
    for (const Table table : tables) {
      for (const Verb& verb : table()) all.push_back(&verb);
    }
    return all;
  }();
  return verbs;
}

const Verb* find_verb(std::string_view name) {
  const auto verbs = all_verbs();
  const auto at = std::ranges::find(verbs, name, [](const Verb* verb) { return verb->name; });
  return at == verbs.end() ? nullptr : *at;
}

}  // namespace posthorn::cli
