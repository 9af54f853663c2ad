#include "site/journal/dialogue.h"

#include <vector>

#include "foundation/text/ascii.h"

namespace posthorn::journal {
namespace {

constexpr std::size_t lines_max = 100;
constexpr std::size_t line_octets_max = 300;
constexpr std::string_view masked_text = "***";

}  // namespace

std::string mask(std::string_view line, bool in_auth) {
  if (in_auth) return std::string(masked_text);
  if (!text::istarts_with(line, "AUTH ")) return std::string(line);
  // RFC 4954 4: AUTH mechanism [initial-response].
  const std::size_t mechanism = line.find_first_not_of(' ', 5);
  const std::size_t end = mechanism == std::string_view::npos ? mechanism : line.find(' ', mechanism);
  if (end == std::string_view::npos) return std::string(line);
  return std::string(line.substr(0, end + 1)) + std::string(masked_text);
}

std::string without(std::string text, std::span<const std::string> secrets) {
  constexpr std::size_t secret_octets_min = 4;
  for (const std::string& secret : secrets) {
    if (secret.size() < secret_octets_min) continue;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + masked_text.size()))
      text.replace(at, secret.size(), masked_text);
  }
  return text;
}

void Dialogue::sent(std::string_view line) {
  keep('C', mask(line, in_auth_));
  if (text::istarts_with(line, "AUTH ")) in_auth_ = true;
}

void Dialogue::received(std::string_view line) {
  const bool is_challenge = line.starts_with("334");
  if (!is_challenge) in_auth_ = false;
  keep('S', is_challenge ? "334 " + std::string(masked_text) : std::string(line));
}

void Dialogue::keep(char side, std::string_view line) {
  if (lines_.size() == lines_max) lines_.pop_front();
  lines_.push_back(fmt::format("{}: {}", side, text::printable(line, line_octets_max)));
}

void Dialogue::put_into(Story& story, std::string_view key) const {
  const std::vector<std::string> lines(lines_.begin(), lines_.end());
  story.with(key, lines);
}

}  // namespace posthorn::journal
