#include "site/config/salvage.h"

#include "platform/runtime/files.h"
#include "site/config/ascii_form.h"
#include "site/config/reading.h"

namespace posthorn::config {
namespace {

constexpr std::size_t salvaged_octets_max = 1 * MiB;

std::string_view lines_before(std::string_view text, std::uint32_t line) {
  std::size_t end = 0;
  for (std::uint32_t n = 1; n < line && end < text.size(); ++n) {
    const auto newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
  }
  return text.substr(0, end);
}

/// `bad_line`: the first that is no TOML; 0 where it is not known.
std::optional<toml::table> parse_or_fail(std::string_view text, std::uint32_t& bad_line) {
  try {
    return toml::parse(ascii_form(text));
  } catch (const toml::parse_error& error) {
    bad_line = error.source().begin.line;
  } catch (const std::logic_error&) {
    bad_line = 0;  // TOML_ASSERT, reading.h
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> named_store_dir(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(file, error);
  const auto text = runtime::read_file(absolute, salvaged_octets_max);
  if (!text) return std::nullopt;
  std::uint32_t bad_line = 0;
  auto table = parse_or_fail(*text, bad_line);
  if (!table && bad_line > 1) table = parse_or_fail(lines_before(*text, bad_line), bad_line);
  if (!table) return std::nullopt;
  const auto dir = table->at_path("store.dir").value_exact<std::string>();
  if (!dir || dir->empty()) return std::nullopt;
  return (absolute.parent_path() / from_ascii_form(*dir)).lexically_normal();
}

std::string place_of(const std::filesystem::path& file, std::string_view key) {
  if (file.empty()) return std::string(key);
  std::uint32_t line = 0, bad_line = 0;
  const auto text = runtime::read_file(file, salvaged_octets_max);
  const auto table = text ? parse_or_fail(*text, bad_line) : std::nullopt;
  if (const toml::node* const node = table ? table->at_path(key).node() : nullptr) line = node->source().begin.line;
  return line == 0 ? fmt::format("{}: {}", file.string(), key) : fmt::format("{}:{}: {}", file.string(), line, key);
}

}  // namespace posthorn::config
