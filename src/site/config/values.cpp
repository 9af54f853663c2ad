#include "site/config/values.h"

#include <algorithm>
#include <array>

#include "foundation/base/bytes.h"
#include "foundation/text/ascii.h"

namespace posthorn::config {
namespace {

constexpr Duration duration_max = std::chrono::days(3653);
constexpr std::uint64_t size_max = std::uint64_t{1} << 62;
/// Longer words are not looked for: the table of distances is quadratic.
constexpr std::size_t word_length_max = 64;

struct DurationUnit {
  std::string_view name;
  Duration length;
};
constexpr std::array duration_units{
    DurationUnit{"w", std::chrono::weeks(1)},   DurationUnit{"d", std::chrono::days(1)},
    DurationUnit{"h", std::chrono::hours(1)},   DurationUnit{"m", std::chrono::minutes(1)},
    DurationUnit{"s", std::chrono::seconds(1)}, DurationUnit{"ms", std::chrono::milliseconds(1)},
};

/// Takes leading octets of a class off the front of `text`.
template <class Class>
std::string_view take_while(std::string_view& text, Class belongs) {
  std::size_t n = 0;
  while (n < text.size() && belongs(text[n])) ++n;
  const std::string_view taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

/// How many times 1024 a size's unit stands for; nullopt: no such unit.
std::optional<unsigned> size_exponent(std::string_view unit) {
  constexpr std::string_view letters = "kmgt";
  const std::string lower = text::lower(unit);
  if (lower.empty() || lower == "b") return 0;
  const auto at = letters.find(lower[0]);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(lower).substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  return static_cast<unsigned>(at + 1);
}

/// Optimal string alignment: insertions, deletions, changes, and swaps of neighbours count one each.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  Duration sum{};
  const DurationUnit* last = nullptr;
  while (!text.empty()) {
    const auto number = text::parse_number(take_while(text, text::is_digit));
    const std::string_view name = take_while(text, text::is_alpha);
    const auto* const unit = std::ranges::find(duration_units, name, &DurationUnit::name);
    if (!number || unit == duration_units.end() || (last != nullptr && unit <= last)) return std::nullopt;
    if (*number > static_cast<std::uint64_t>(duration_max / unit->length)) return std::nullopt;
    sum += unit->length * static_cast<std::int64_t>(*number);
    last = unit;
  }
  if (last == nullptr || sum > duration_max) return std::nullopt;
  return sum;
}

std::string duration_text(Duration duration) {
  std::string out;
  for (const DurationUnit& unit : duration_units) {
    const auto count = duration / unit.length;
    if (count == 0) continue;
    // Weeks only where nothing else is left: "10d" says more than "1w3d".
    if (unit.name == "w" && duration % unit.length != Duration::zero()) continue;
    out += std::to_string(count);
    out += unit.name;
    duration -= unit.length * count;
  }
  return out.empty() ? "0" : out;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = text::parse_number(take_while(text, text::is_digit));
  text = text::trim(text);
  const auto exponent = size_exponent(text);
  if (!number || !exponent) return std::nullopt;
  const unsigned shift = 10 * *exponent;
  if (*number > (size_max >> shift)) return std::nullopt;
  return *number << shift;
}

std::string size_text(std::uint64_t octets) {
  constexpr std::array<std::string_view, 5> units{"", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (octets != 0 && octets % KiB == 0 && unit + 1 < units.size()) {
    octets /= KiB;
    ++unit;
  }
  return std::to_string(octets) + std::string(units[unit]);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > word_length_max) return {};
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t d = distance(word, candidate.substr(0, word_length_max));
    if (d < best_distance || (d == best_distance && best.empty() && d <= 2)) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string alternatives(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace posthorn::config
