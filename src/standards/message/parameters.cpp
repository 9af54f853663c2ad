#include "standards/message/parameters.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/message/encoded_word.h"
#include "standards/message/header.h"
#include "standards/message/lexer.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::message {
namespace {

/// What RFC 2231 calls a section: name*1*=value.
struct Section {
  std::string value;
  bool extended = false;  ///< percent-encoded
};
struct Collected {
  std::optional<std::string> plain;
  std::map<unsigned, Section> sections;
  bool has_charset = false;  ///< the initial section was extended: charset'language'text
};

std::string percent_decode(std::string_view text) {
  const auto hex = [](char c) -> int {
    if (text::is_digit(c)) return c - '0';
    const char lower = text::to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// name, name*, name*0, name*0*.
void collect(std::vector<std::pair<std::string, Collected>>& all, std::string_view attribute, std::string value) {
  const bool extended = attribute.ends_with('*');
  if (extended) attribute.remove_suffix(1);
  std::optional<std::uint64_t> number;
  if (const auto star = attribute.rfind('*'); star != std::string_view::npos) {
    number = text::parse_number(attribute.substr(star + 1));
    if (number) attribute = attribute.substr(0, star);
  }
  const std::string name = text::lower(attribute);
  auto found = std::ranges::find(all, name, &std::pair<std::string, Collected>::first);
  if (found == all.end()) {
    if (all.size() == parameters_max) return;
    found = all.insert(all.end(), {name, {}});
  }
  Collected& parameter = found->second;
  if (!extended && !number) {
    if (!parameter.plain) parameter.plain = std::move(value);  // the first one counts
    return;
  }
  const std::uint64_t section = number.value_or(0);
  if (section >= parameter_sections_max) return;
  if (section == 0 && extended) parameter.has_charset = true;
  parameter.sections.try_emplace(static_cast<unsigned>(section), Section{std::move(value), extended});
}

/// RFC 2231 3 and 4.1: sections in order of their numbers, up to the first gap.
std::string join(const Collected& parameter) {
  std::string octets, charset;
  unsigned next = 0;
  for (const auto& [number, section] : parameter.sections) {
    if (number != next++) break;
    std::string_view text = section.value;
    if (number == 0 && parameter.has_charset) {
      const auto first = text.find('\''), second = first == text.npos ? text.npos : text.find('\'', first + 1);
      if (second != std::string_view::npos) {
        charset = text.substr(0, first);
        text.remove_prefix(second + 1);
      }
    }
    octets += section.extended ? percent_decode(text) : std::string{text};
  }
  if (parameter.has_charset) return to_utf8(octets, charset);
  return octets;
}

/// An unquoted value: a token; the world also writes spaces and specials in it.
std::string unquoted_value(Lexer& lexer) {
  std::string value;
  while (!lexer.done() && lexer.peek() != ';' && lexer.peek() != '(') {
    const auto word = lexer.word(";(");
    if (!value.empty() && !word.empty()) value.push_back(' ');
    value += word;
    lexer.skip_space();
  }
  return value;
}

std::string read_value(Lexer& lexer) {
  lexer.skip_cfws();
  std::string value = lexer.peek() == '"' ? lexer.quoted_string() : unquoted_value(lexer);
  lexer.skip_cfws();
  return value;
}

}  // namespace

std::optional<std::string_view> ParameterizedValue::parameter(std::string_view name) const {
  for (const Parameter& parameter : parameters)
    if (text::iequals(parameter.name, name)) return parameter.value;
  return std::nullopt;
}

ParameterizedValue parse_parameterized(Octets field_value) {
  const std::string unfolded = unfold(field_value);
  Lexer lexer{unfolded};
  ParameterizedValue result;
  lexer.skip_cfws();
  while (!lexer.done() && lexer.peek() != ';') {
    result.value += text::lower(lexer.peek() == '"' ? lexer.quoted_string() : std::string{lexer.word(";(\"")});
    lexer.skip_cfws();
  }
  std::vector<std::pair<std::string, Collected>> collected;
  while (lexer.accept(';')) {
    lexer.skip_cfws();
    const std::string attribute{lexer.word("=;(\"")};
    lexer.skip_cfws();
    if (lexer.accept('=') && !attribute.empty()) collect(collected, attribute, read_value(lexer));
    while (!lexer.done() && lexer.peek() != ';') {  // what is no parameter is passed over
      if (lexer.peek() == '"') {
        (void)lexer.quoted_string();
      } else {
        lexer.skip();
      }
    }
  }
  for (const auto& [name, parameter] : collected) {
    if (!parameter.sections.empty() && parameter.sections.begin()->first == 0) {
      result.parameters.push_back({name, join(parameter)});
    } else if (parameter.plain) {
      const bool encoded = parameter.plain->find("=?") != std::string::npos;
      result.parameters.push_back({name, encoded ? decode_encoded_words(*parameter.plain) : *parameter.plain});
    }
  }
  return result;
}

std::string write_parameter(std::string_view name, std::string_view utf8_value) {
  const auto is_token = [](char c) {
    return text::is_visible(c) && std::string_view{"()<>@,;:\\\"/[]?="}.find(c) == std::string_view::npos;
  };
  if (!utf8_value.empty() && std::ranges::all_of(utf8_value, is_token)) return fmt::format("{}={}", name, utf8_value);
  const bool quotable = std::ranges::all_of(utf8_value, [](char c) { return c >= ' ' && c < 0x7f; });
  if (quotable) {
    std::string quoted;
    for (const char c : utf8_value) {
      if (c == '"' || c == '\\') quoted.push_back('\\');
      quoted.push_back(c);
    }
    return fmt::format("{}=\"{}\"", name, quoted);
  }
  std::string encoded;
  for (const char c : utf8_value)
    encoded += text::is_alnum(c) || c == '.' || c == '-' || c == '_'
                   ? std::string(1, c)
                   : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return fmt::format("{}*=utf-8''{}", name, encoded);
}

}  // namespace posthorn::message
