#include "standards/dkim/fold.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::dkim {
namespace {

constexpr std::string_view kFold = "\r\n\t";
constexpr std::size_t kTabColumns = 1;

std::size_t line_begin_of(std::string_view field) {
  const auto line_end = field.rfind('\n');
  return line_end == std::string_view::npos ? 0 : line_end + 1;
}

}  // namespace

FoldedField::FoldedField(std::string_view name) : text_(fmt::format("{}:", name)) {}

/// A space before what comes, or a fold where `octets` more do not fit.
void FoldedField::place(std::size_t octets) {
  if (text_.size() - line_begin_ + 1 + octets <= folded_line_octets) {
    text_ += ' ';
    return;
  }
  text_ += kFold;
  line_begin_ = text_.size() - kTabColumns;
}

void FoldedField::add(std::string_view name, std::string_view value) {
  place(name.size() + value.size() + 2);
  text_ += fmt::format("{}={};", name, value);
}

void FoldedField::add_list(std::string_view name, const std::vector<std::string>& elements) {
  place(name.size() + 1 + (elements.empty() ? 0 : elements.front().size()) + 1);
  text_ += fmt::format("{}=", name);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (text_.size() - line_begin_ + elements[i].size() + 1 > folded_line_octets) {
      text_ += kFold;
      line_begin_ = text_.size() - kTabColumns;
    }
    text_ += elements[i];
    if (i + 1 < elements.size()) text_ += ':';
  }
  text_ += ';';
}

void FoldedField::add_base64(std::string_view name, std::string_view base64) {
  place(name.size() + base64.size() + 2);
  text_ += fmt::format("{}=", name);
  append_folded_base64(text_, base64);
  line_begin_ = line_begin_of(text_);
  text_ += ';';
}

std::string FoldedField::finish_with_empty(std::string_view name) {
  place(folded_line_octets);  // the signature gets lines of its own
  text_ += fmt::format("{}=", name);
  return std::move(text_);
}

void append_folded_base64(std::string& field, std::string_view base64) {
  while (!base64.empty()) {
    const std::size_t used = field.size() - line_begin_of(field);
    const std::size_t room = folded_line_octets > used + 1 ? folded_line_octets - used - 1 : 0;
    field += base64.substr(0, room);
    base64.remove_prefix(std::min(room, base64.size()));
    if (!base64.empty()) field += kFold;
  }
}

}  // namespace posthorn::dkim
