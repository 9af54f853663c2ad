#include "standards/dns/name.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace posthorn::dns {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Characters that presentation format would read as something else (RFC 1035 5.1).
bool needs_backslash(char c) {
  return std::string_view{".\\\"();@$"}.find(c) != std::string_view::npos;
}

std::strong_ordering compare_labels(std::string_view a, std::string_view b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return static_cast<unsigned char>(lower(x)) <=> static_cast<unsigned char>(lower(y));
  });
}

/// Where each label of a wire-form name begins, without allocating: map look-ups compare names often.
struct LabelOffsets {
  explicit LabelOffsets(std::string_view wire) : labels(wire) {
    for (std::size_t i = 0; i < wire.size(); i += static_cast<unsigned char>(wire[i]) + 1u)
      offsets[count++] = static_cast<std::uint8_t>(i);
  }
  [[nodiscard]] std::string_view label(std::size_t n) const {
    return labels.substr(offsets[n] + 1u, static_cast<unsigned char>(labels[offsets[n]]));
  }
  std::string_view labels;
  std::array<std::uint8_t, name_wire_octets_max / 2 + 1> offsets;
  std::size_t count = 0;
};

/// Reads the escape at text[i] == '\\'; moves i behind it.
std::optional<char> read_escape(std::string_view text, std::size_t& i) {
  if (i + 1 >= text.size()) return std::nullopt;
  if (!is_digit(text[i + 1])) {
    i += 2;
    return text[i - 1];
  }
  if (i + 3 >= text.size() || !is_digit(text[i + 2]) || !is_digit(text[i + 3])) return std::nullopt;
  const int value = (text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 + (text[i + 3] - '0');
  if (value > 255) return std::nullopt;
  i += 4;
  return static_cast<char>(value);
}

/// Appends one finished label with its length octet.
std::optional<NameError> append_label(std::string& labels, std::string_view label) {
  if (label.empty()) return NameError::empty_label;
  if (label.size() > label_octets_max) return NameError::label_too_long;
  if (labels.size() + label.size() + 2 > name_wire_octets_max) return NameError::name_too_long;
  labels.push_back(static_cast<char>(label.size()));
  labels.append(label);
  return std::nullopt;
}

/// The labels of a presentation-format name; says whether it ended with a dot.
Result<std::string, NameError> read_labels(std::string_view text, bool& absolute) {
  std::string labels, label;
  absolute = false;
  std::size_t i = 0;
  while (i < text.size()) {
    absolute = text[i] == '.';
    if (absolute) {
      if (const auto error = append_label(labels, label)) return fail(*error);
      label.clear();
      ++i;
      continue;
    }
    if (text[i] == '\\') {
      const auto octet = read_escape(text, i);
      if (!octet) return fail(NameError::bad_escape);
      label.push_back(*octet);
    } else {
      label.push_back(text[i++]);
    }
    if (label.size() > label_octets_max) return fail(NameError::label_too_long);
  }
  if (absolute) return labels;
  if (const auto error = append_label(labels, label)) return fail(*error);
  return labels;
}

}  // namespace

std::string_view text(NameError error) {
  switch (error) {
    case NameError::empty:
      return "the name is empty";
    case NameError::empty_label:
      return "the name has an empty label";
    case NameError::label_too_long:
      return "a label of the name is longer than 63 octets";
    case NameError::name_too_long:
      return "the name is longer than 255 octets";
    case NameError::bad_escape:
      return "the name has a bad escape";
  }
  return "";
}

Result<Name, NameError> Name::parse(std::string_view text) {
  if (text.empty()) return fail(NameError::empty);
  Name name;
  if (text == ".") return name;
  bool absolute = false;
  auto labels = read_labels(text, absolute);
  if (!labels) return fail(labels.error());
  name.labels_ = std::move(*labels);
  return name;
}

Result<Name, NameError> Name::parse_relative(std::string_view text, const Name& origin) {
  if (text.empty()) return fail(NameError::empty);
  if (text == "@") return origin;
  if (text == ".") return Name{};
  bool absolute = false;
  auto labels = read_labels(text, absolute);
  if (!labels) return fail(labels.error());
  Name name;
  name.labels_ = std::move(*labels);
  if (absolute) return name;
  return name.under(origin);
}

Result<Name, NameError> Name::from_labels(const std::vector<std::string_view>& labels) {
  Name name;
  for (const std::string_view label : labels)
    if (const auto error = append_label(name.labels_, label)) return fail(*error);
  return name;
}

std::string Name::text() const {
  if (is_root()) return ".";
  std::string out;
  for (const std::string_view label : labels()) {
    if (!out.empty()) out.push_back('.');
    for (const char c : label) {
      if (c <= ' ' || c >= 0x7f) {
        out += fmt::format("\\{:03}", static_cast<unsigned char>(c));
      } else {
        if (needs_backslash(c)) out.push_back('\\');
        out.push_back(c);
      }
    }
  }
  return out;
}

std::vector<std::string_view> Name::labels() const {
  std::vector<std::string_view> found;
  for (std::size_t i = 0; i < labels_.size();) {
    const auto length = static_cast<unsigned char>(labels_[i]);
    found.push_back(std::string_view{labels_}.substr(i + 1, length));
    i += length + 1u;
  }
  return found;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < labels_.size(); ++count) i += static_cast<unsigned char>(labels_[i]) + 1u;
  return count;
}

std::string_view Name::first_label() const {
  if (labels_.empty()) return {};
  return std::string_view{labels_}.substr(1, static_cast<unsigned char>(labels_[0]));
}

Name Name::parent() const {
  Name name;
  if (!labels_.empty()) name.labels_ = labels_.substr(static_cast<unsigned char>(labels_[0]) + 1u);
  return name;
}

Result<Name, NameError> Name::child(std::string_view label) const {
  Name name;
  if (const auto error = append_label(name.labels_, label)) return fail(*error);
  return name.under(*this);
}

Result<Name, NameError> Name::under(const Name& suffix) const {
  if (labels_.size() + suffix.labels_.size() + 1 > name_wire_octets_max) return fail(NameError::name_too_long);
  Name name;
  name.labels_ = labels_ + suffix.labels_;
  return name;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  std::size_t i = 0;
  while (labels_.size() - i > ancestor.labels_.size()) i += static_cast<unsigned char>(labels_[i]) + 1u;
  return compare_labels(std::string_view{labels_}.substr(i), ancestor.labels_) == 0;
}

std::weak_ordering operator<=>(const Name& a, const Name& b) {
  const LabelOffsets x{a.labels_}, y{b.labels_};
  for (std::size_t i = 1; i <= x.count && i <= y.count; ++i) {
    const auto order = compare_labels(x.label(x.count - i), y.label(y.count - i));
    if (order != 0) return order;
  }
  return x.count <=> y.count;
}

// Length octets are below 'A', so lowering them with the rest changes nothing.
bool operator==(const Name& a, const Name& b) {
  return compare_labels(a.labels_, b.labels_) == 0;
}

std::string Name::lower_case_key() const {
  std::string key = labels_;
  std::ranges::transform(key, key.begin(), lower);
  return key;
}

}  // namespace posthorn::dns
