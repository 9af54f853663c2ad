#include "standards/spf/macro.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::spf {
namespace {

constexpr std::string_view kLetters = "slodiphcrtv";     // RFC 7208 7.1 macro-letter
constexpr std::string_view kExplanationLetters = "crt";  // RFC 7208 7.2
constexpr std::string_view kDelimiters = ".-+,/_=";      // RFC 7208 7.1 delimiter
constexpr unsigned kLabelsMax = 128;                     // a name has at most 127 labels; larger numbers mean all

/// "%{" macro-letter transformers *delimiter "}".
struct Macro {
  char letter = 0;      ///< lower case
  bool escape = false;  ///< written in upper case: URL-escape the value
  unsigned keep = 0;    ///< rightmost parts to keep; 0: all
  bool reverse = false;
  std::string_view delimiters;  ///< empty: "."
};

/// Parses the macro at the front of `text` (which begins with "%{") and removes it; a fault otherwise.
std::optional<std::string> take_macro(std::string_view& text, MacroUse use, Macro& macro) {
  const auto close = text.find('}');
  if (close == std::string_view::npos) return "a macro has no closing brace";
  const std::string_view whole = text.substr(0, close + 1);
  std::string_view inside = text.substr(2, close - 2);
  text.remove_prefix(close + 1);
  if (inside.empty()) return "an empty macro";
  macro.letter = text::to_lower(inside[0]);
  macro.escape = inside[0] != macro.letter;
  if (!kLetters.contains(macro.letter)) return fmt::format("{} is not a macro", text::printable(whole));
  if (use != MacroUse::explanation && kExplanationLetters.contains(macro.letter))
    return fmt::format("the macro {} is for explanations only", whole);
  inside.remove_prefix(1);
  bool has_number = false;
  while (!inside.empty() && text::is_digit(inside[0])) {
    has_number = true;
    macro.keep = std::min(macro.keep * 10 + static_cast<unsigned>(inside[0] - '0'), kLabelsMax);
    inside.remove_prefix(1);
  }
  if (has_number && macro.keep == 0) return fmt::format("the macro {} keeps no part", whole);
  if (!inside.empty() && text::to_lower(inside[0]) == 'r') {
    macro.reverse = true;
    inside.remove_prefix(1);
  }
  if (inside.find_first_not_of(kDelimiters) != std::string_view::npos)
    return fmt::format("{} is not a macro", text::printable(whole));
  macro.delimiters = inside;
  return std::nullopt;
}

bool is_macro_literal(char c, MacroUse use) {
  if (use == MacroUse::explanation && c == ' ') return true;  // explain-string = *( macro-string / SP )
  return c > 0x20 && c < 0x7f && c != '%';                    // %x21-24 / %x26-7E
}

/// %{i}: dotted quad, or the 32 nibbles with dots between, in capitals as in the examples of RFC 7208 7.4.
std::string dotted_ip(const IpAddress& ip) {
  if (ip.is_v4()) return ip.text();
  std::string out;
  for (const char octet : ip.octets()) {
    const auto value = static_cast<unsigned char>(octet);
    fmt::format_to(std::back_inserter(out), "{:X}.{:X}.", value >> 4, value & 0xf);
  }
  out.pop_back();
  return out;
}

std::string value_of(char letter, const MacroContext& context) {
  const auto at = context.sender.rfind('@');
  switch (letter) {
    case 's':
      return std::string{context.sender};
    case 'l':
      return std::string{context.sender.substr(0, at)};
    case 'o':
      return std::string{context.sender.substr(at + 1)};
    case 'd':
      return std::string{context.domain};
    case 'i':
      return dotted_ip(context.ip);
    case 'p':
      return std::string{context.validated_name};
    case 'v':
      return context.ip.is_v4() ? "in-addr" : "ip6";
    case 'h':
      return std::string{context.helo};
    case 'c':
      return context.ip.text();
    case 'r':
      return std::string{context.receiver};
    default:
      return std::to_string(context.unix_time);
  }
}

/// Splits at any delimiter, reverses, keeps the rightmost parts, joins with dots (RFC 7208 7.3).
std::string transform(const std::string& value, const Macro& macro) {
  if (!macro.reverse && macro.keep == 0 && macro.delimiters.empty()) return value;
  const std::string_view delimiters = macro.delimiters.empty() ? "." : macro.delimiters;
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && !delimiters.contains(value[i])) continue;
    parts.push_back(std::string_view{value}.substr(begin, i - begin));
    begin = i + 1;
  }
  if (macro.reverse) std::ranges::reverse(parts);
  const std::size_t kept = macro.keep == 0 ? parts.size() : std::min<std::size_t>(macro.keep, parts.size());
  return fmt::format("{}", fmt::join(parts.end() - static_cast<std::ptrdiff_t>(kept), parts.end(), "."));
}

/// RFC 7208 7.3: an upper-case letter asks for the escaping of RFC 3986 2.1, all but the unreserved characters.
std::string url_escape(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (text::is_alnum(c) || std::string_view{"-._~"}.contains(c))
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
bool is_toplabel(std::string_view label) {
  if (label.empty() || !text::is_alnum(label.front()) || !text::is_alnum(label.back())) return false;
  const auto is_legal = [](char c) { return text::is_alnum(c) || c == '-'; };
  return std::ranges::all_of(label, is_legal) && !std::ranges::all_of(label, text::is_digit);
}

/// Where the last macro-expand of a legal macro-string ends; 0 without any.
std::size_t end_of_last_macro(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    i = text[i + 1] == '{' ? text.find('}', i) : i + 1;
    end = i + 1;
  }
  return end;
}

}  // namespace

std::optional<std::string> macro_fault(std::string_view text, MacroUse use) {
  while (!text.empty()) {
    if (text[0] != '%') {
      if (!is_macro_literal(text[0], use)) return "an octet that is not visible ASCII";
      text.remove_prefix(1);
      continue;
    }
    const char kind = text.size() > 1 ? text[1] : '\0';
    if (kind == '%' || kind == '_' || kind == '-') {
      text.remove_prefix(2);
      continue;
    }
    if (kind != '{') return "a lone % sign";
    Macro macro;
    if (auto fault = take_macro(text, use, macro)) return fault;
  }
  return std::nullopt;
}

std::optional<std::string> domain_spec_fault(std::string_view text) {
  if (text.empty()) return "a domain name is missing";
  if (auto fault = macro_fault(text, MacroUse::domain_spec)) return fault;
  // domain-end = ( "." toplabel [ "." ] ) / macro-expand
  const std::size_t macro_end = end_of_last_macro(text);
  if (macro_end == text.size()) return std::nullopt;
  std::string_view tail = text.substr(macro_end);
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const auto dot = tail.rfind('.');
  if (dot == std::string_view::npos || !is_toplabel(tail.substr(dot + 1)))
    return fmt::format("\"{}\" is not a domain name", text::printable(text));
  return std::nullopt;
}

bool uses_validated_name(std::string_view text) {
  return text.find("%{p") != std::string_view::npos || text.find("%{P") != std::string_view::npos;
}

std::string expand_macros(std::string_view text, const MacroContext& context) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '%' || text.size() < 2) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text[1] != '{') {
      out += text[1] == '%' ? "%" : text[1] == '_' ? " " : "%20";
      text.remove_prefix(2);
      continue;
    }
    Macro macro;
    if (take_macro(text, MacroUse::explanation, macro)) return out;
    const std::string value = transform(value_of(macro.letter, context), macro);
    out += macro.escape ? url_escape(value) : value;
  }
  return out;
}

}  // namespace posthorn::spf
