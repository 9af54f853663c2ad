#include "standards/dkim/tag_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::dkim {
namespace {

/// tag-name = ALPHA *ALNUMPUNC
bool is_tag_name(std::string_view name) {
  const auto is_legal = [](char c) { return text::is_alnum(c) || c == '_'; };
  return !name.empty() && text::is_alpha(name[0]) && std::ranges::all_of(name, is_legal);
}

/// VALCHAR and folding white space; octets above 127 as RFC 8616 lets them stand in d=, i= and s=.
bool is_tag_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return is_fws(c) || text::is_visible(c) || text::is_non_ascii(c); });
}

}  // namespace

posthorn::Result<TagList, TagListError> TagList::parse(std::string_view text) {
  TagList list;
  // tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(';', at), text.size());
    const std::string_view element = text.substr(at, end - at);
    const bool is_last = end == text.size();
    const std::string_view trimmed = text::trim_lines(element);
    if (trimmed.empty()) {
      if (is_last && at != 0) break;  // what follows the final ";"
      return fail(TagListError{"an empty element stands between semicolons"});
    }
    const auto equals = element.find('=');
    const std::string_view name = text::trim_lines(element.substr(0, equals));
    if (equals == std::string_view::npos || !is_tag_name(name))
      return fail(TagListError{fmt::format("\"{}\" is not a tag", text::printable(trimmed, 40))});
    if (list.find(name)) return fail(TagListError{fmt::format("tag {}= appears twice", name)});
    if (list.tags_.size() == tags_max) return fail(TagListError{"there are too many tags"});
    const std::string_view value = element.substr(equals + 1);
    if (!is_tag_value(value)) return fail(TagListError{fmt::format("tag {}= holds control octets", name)});
    list.tags_.push_back({name, text::trim_lines(value), at + equals + 1, end});
    at = end + 1;
  }
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto tag = std::ranges::find(tags_, name, &Tag::name);
  return tag == tags_.end() ? nullptr : &*tag;
}

std::optional<std::string_view> TagList::value(std::string_view name) const {
  const Tag* tag = find(name);
  if (!tag) return std::nullopt;
  return tag->value;
}

std::optional<std::string> TagList::squeezed(std::string_view name) const {
  const Tag* tag = find(name);
  if (!tag) return std::nullopt;
  return without_fws(tag->value);
}

std::string without_fws(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text)
    if (!is_fws(c)) out += c;
  return out;
}

std::vector<std::string> colon_list(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view element : text::split(text, ':')) out.emplace_back(text::trim_lines(element));
  return out;
}

bool is_fws(char c) {
  return text::is_wsp(c) || c == '\r' || c == '\n';
}

}  // namespace posthorn::dkim
