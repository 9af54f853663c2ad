// As much YAML as the vector files of other projects use: several documents, block mappings and sequences, flow
// sequences, plain, quoted and block scalars, comments. No anchors, tags or flow mappings. Errors are exceptions:
// this reads test data only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::test_support {

struct YamlEntry;

struct Yaml {
  enum class Kind : unsigned char { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  std::string scalar;
  std::vector<Yaml> items;
  std::vector<YamlEntry> entries;  ///< in order, duplicates kept

  /// Null where there is none.
  [[nodiscard]] const Yaml* find(std::string_view key) const;
  /// The scalar under `key`; empty where there is none.
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  /// A sequence's scalars, or the one scalar.
  [[nodiscard]] std::vector<std::string> texts() const;
};

struct YamlEntry {
  std::string key;
  Yaml value;
};

[[nodiscard]] std::vector<Yaml> parse_yaml(std::string_view text);

}  // namespace posthorn::test_support
