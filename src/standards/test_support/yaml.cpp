#include "standards/test_support/yaml.h"

#include <stdexcept>

#include <fmt/format.h>

namespace posthorn::test_support {
namespace {

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// A plain scalar ends before " #".
std::string_view without_comment(std::string_view text) {
  if (text.starts_with('#')) return {};
  return trim(text.substr(0, text.find(" #")));
}

class Parser {
 public:
  explicit Parser(std::vector<std::string> lines) : lines_(std::move(lines)) {}

  Yaml parse() { return skip_blank() ? parse_block(indent(lines_[at_])) : Yaml{}; }

 private:
  static std::size_t indent(std::string_view line) {
    const auto at = line.find_first_not_of(' ');
    return at == std::string_view::npos ? line.size() : at;
  }
  static bool is_blank(std::string_view line) {
    line = trim(line);
    return line.empty() || line[0] == '#';
  }
  bool skip_blank() {
    while (at_ < lines_.size() && is_blank(lines_[at_])) ++at_;
    return at_ < lines_.size();
  }
  [[noreturn]] void fail(const char* what) const {
    throw std::runtime_error(fmt::format("line {} of the document: {}: {}", at_ + 1, what, lines_.at(at_)));
  }

  static bool is_item(std::string_view line) {
    line = trim(line);
    return line == "-" || line.starts_with("- ");
  }

  /// Where the key of "key: value" ends; npos where the line is no mapping entry.
  static std::size_t key_end(std::string_view text) {
    if (text.starts_with('"') || text.starts_with('\'')) {
      const auto quote = text.find(text[0], 1);
      return quote != std::string_view::npos && text.substr(quote + 1).starts_with(':') ? quote + 1
                                                                                        : std::string_view::npos;
    }
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\t')) return i;
    return std::string_view::npos;
  }

  Yaml parse_block(std::size_t level) {
    const std::string_view first = std::string_view{lines_[at_]}.substr(level);
    if (is_item(first)) return parse_sequence(level);
    if (key_end(trim(first)) != std::string_view::npos) return parse_mapping(level);
    const std::string rest{first};
    ++at_;
    return parse_value(rest, level == 0 ? 0 : level - 1);
  }

  Yaml parse_sequence(std::size_t level) {
    Yaml out;
    out.kind = Yaml::Kind::sequence;
    while (skip_blank() && indent(lines_[at_]) == level && is_item(lines_[at_])) {
      lines_[at_][level] = ' ';  // "- key: value" is a mapping two columns further right
      if (is_blank(lines_[at_])) {
        ++at_;
        out.items.emplace_back();
        continue;
      }
      const std::size_t inner = indent(lines_[at_]);
      const std::string_view text = std::string_view{lines_[at_]}.substr(inner);
      const bool is_flow = text.starts_with('[');
      if (!is_flow && key_end(trim(text)) != std::string_view::npos) {
        out.items.push_back(parse_mapping(inner));
        continue;
      }
      const std::string rest{text};
      ++at_;
      out.items.push_back(parse_value(rest, level));
    }
    return out;
  }

  Yaml parse_mapping(std::size_t level) {
    Yaml out;
    out.kind = Yaml::Kind::mapping;
    while (skip_blank() && indent(lines_[at_]) == level && !is_item(lines_[at_])) {
      const std::string line = lines_[at_].substr(level);
      const auto end = key_end(line);
      if (end == std::string::npos) fail("not a mapping entry");
      std::string_view key = trim(std::string_view{line}.substr(0, end));
      if (key.starts_with('"') || key.starts_with('\'')) key = key.substr(1, key.size() - 2);
      ++at_;
      out.entries.push_back({std::string{key}, parse_value(line.substr(end + 1), level)});
    }
    return out;
  }

  /// What follows "key:" or "- " on a line, with the lines that belong to it; `level` is the parent's.
  Yaml parse_value(std::string_view rest, std::size_t level) {
    rest = trim(rest);
    if (rest.starts_with('|') || rest.starts_with('>')) return parse_block_scalar(rest, level);
    if (rest.empty() || rest[0] == '#') return parse_nested(level);
    std::string text{rest};
    if (rest[0] == '"' || rest[0] == '\'' || rest[0] == '[') {
      while (!is_closed(text) && at_ < lines_.size()) text += " " + std::string{trim(lines_[at_++])};
      std::string_view view = text;
      return text[0] == '[' ? parse_flow(view) : scalar(parse_quoted(view));
    }
    text = without_comment(rest);
    while (at_ < lines_.size() && !is_blank(lines_[at_]) && indent(lines_[at_]) > level)
      text += " " + std::string{without_comment(trim(lines_[at_++]))};
    return scalar(std::move(text));
  }

  Yaml parse_nested(std::size_t level) {
    if (!skip_blank()) return {};
    const std::size_t inner = indent(lines_[at_]);
    if (inner > level || (inner == level && is_item(lines_[at_]))) return parse_block(inner);
    return {};
  }

  Yaml parse_block_scalar(std::string_view header, std::size_t level) {
    const bool folded = header[0] == '>';
    std::vector<std::string> lines;
    std::size_t inner = 0;
    while (at_ < lines_.size()) {
      const std::string& line = lines_[at_];
      const bool empty = trim(line).empty();
      if (!empty && indent(line) <= level) break;
      if (!empty && inner == 0) inner = indent(line);
      lines.push_back(line.size() > inner && inner > 0 ? line.substr(inner) : std::string{});
      ++at_;
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    std::string out;
    for (const std::string& line : lines) out += line + (folded ? " " : "\n");
    if (folded && !out.empty()) out.pop_back();
    return scalar(std::move(out));
  }

  /// Quotes and brackets are balanced.
  static bool is_closed(std::string_view text) {
    if (text[0] == '[') return text.find_last_of(']') != std::string_view::npos;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[0] == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == text[0]) {
        return true;
      }
    }
    return false;
  }

  Yaml parse_flow(std::string_view& text) {
    Yaml out;
    out.kind = Yaml::Kind::sequence;
    text.remove_prefix(1);
    for (;;) {
      text = text.substr(std::min(text.find_first_not_of(" ,\t"), text.size()));
      if (text.empty() || text[0] == ']') return out;
      if (text[0] == '"' || text[0] == '\'') {
        out.items.push_back(scalar(parse_quoted(text)));
        continue;
      }
      const auto end = std::min(text.find_first_of(",]"), text.size());
      out.items.push_back(scalar(std::string{trim(text.substr(0, end))}));
      text.remove_prefix(end);
    }
  }

  static char escaped(std::string_view& text) {
    const char kind = text[0];
    text.remove_prefix(1);
    switch (kind) {
      case 'x': {
        const std::string digits{text.substr(0, 2)};
        text.remove_prefix(2);
        return static_cast<char>(std::stoi(digits, nullptr, 16));
      }
      case '0':
        return '\0';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      default:
        return kind;
    }
  }

  static std::string parse_quoted(std::string_view& text) {
    const char quote = text[0];
    text.remove_prefix(1);
    std::string out;
    while (!text.empty()) {
      const char c = text[0];
      text.remove_prefix(1);
      if (c == quote && quote == '\'' && text.starts_with('\'')) {
        out += '\'';
        text.remove_prefix(1);
      } else if (c == quote) {
        break;
      } else if (c == '\\' && quote == '"') {
        out += escaped(text);
      } else {
        out += c;
      }
    }
    return out;
  }

  static Yaml scalar(std::string text) {
    Yaml out;
    out.kind = Yaml::Kind::scalar;
    out.scalar = std::move(text);
    return out;
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

std::string Yaml::text(std::string_view key) const {
  const Yaml* value = find(key);
  return value ? value->scalar : std::string{};
}

std::vector<std::string> Yaml::texts() const {
  if (kind == Kind::scalar) return {scalar};
  std::vector<std::string> out;
  for (const Yaml& item : items) out.push_back(item.scalar);
  return out;
}

std::vector<Yaml> parse_yaml(std::string_view text) {
  std::vector<Yaml> documents;
  std::vector<std::string> lines;
  const auto close = [&] {
    Yaml document = Parser{std::move(lines)}.parse();
    if (document.kind != Yaml::Kind::null) documents.push_back(std::move(document));
    lines.clear();
  };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line{text.substr(0, end)};
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trim(line) == "---" && line.starts_with("---")) {
      close();
    } else {
      lines.push_back(std::move(line));
    }
  }
  close();
  return documents;
}

}  // namespace posthorn::test_support
