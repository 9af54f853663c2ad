// The file as TOML, and what is said of a line that is none. The one place that sees an exception of toml++ while a
// configuration is read.
#include "foundation/text/ascii.h"
#include "site/config/ascii_form.h"
#include "site/config/reading.h"

namespace posthorn::config {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t n = 1; n < number; ++n) {
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// TOML: unquoted-key = 1*( ALPHA / DIGIT / %x2D / %x5F ), with dots between them.
bool is_bare_key(std::string_view word) {
  constexpr std::string_view more = "-_.";
  return !word.empty() && std::ranges::all_of(word, [&](char c) {
    return text::is_alpha(c) || text::is_digit(c) || more.find(c) != std::string_view::npos;
  });
}

/// "relay.mx_port" where the line sets a key, by the header above it; "TOML" where it does not look so.
std::string key_on_line(std::string_view text, std::uint32_t number) {
  const std::string_view line = line_of(text, number);
  const std::string_view key = text::trim(line.substr(0, line.find_first_of("=:")));
  if (key.size() == line.size() || !is_bare_key(key)) return "TOML";
  for (std::uint32_t above = number; above-- > 1;) {
    const std::string_view header = text::trim(line_of(text, above));
    if (!header.starts_with('[')) continue;
    const std::string_view section = text::trim(header.substr(1, header.find(']') - 1));
    return is_bare_key(section) ? fmt::format("{}.{}", section, key) : std::string(key);
  }
  return std::string(key);
}

std::string remedy_for(std::string_view description) {
  if (description.find("redefine existing table") != std::string_view::npos)
    return "a section has one header: put these lines under the first";
  if (description.find("redefine") != std::string_view::npos) return "a key stands once: remove one of the two";
  return "write KEY = VALUE, text in quotes, numbers, true and false without, a section as [name]";
}

/// Without "Error while parsing …: ", which names parts of the parser.
std::string_view plain_words(std::string_view description) {
  const auto colon = description.find(": ");
  const bool is_prefixed = description.starts_with("Error while") && colon != std::string_view::npos;
  return is_prefixed ? description.substr(colon + 2) : description;
}

}  // namespace

std::optional<toml::table> read_toml(Reading& r, std::string_view text) {
  if (!text::is_utf8(text)) {
    r.fault(0, "TOML", "the file is not UTF-8", "convert it: iconv -f latin1 -t utf8");
    return std::nullopt;
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());  // some editors' mark
  try {
    return toml::parse(ascii_form(text));
  } catch (const toml::parse_error& error) {
    const std::uint32_t line = error.source().begin.line;
    const std::string description = from_ascii_form(error.description());
    r.fault(line, key_on_line(text, line), std::string(plain_words(description)), remedy_for(description));
  } catch (const std::logic_error&) {  // TOML_ASSERT, reading.h
    r.fault(0, "TOML", "a line cannot be understood at all", "see https://toml.io");
  }
  return std::nullopt;
}

}  // namespace posthorn::config
