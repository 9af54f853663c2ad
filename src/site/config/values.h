// Values as the configuration and the command line write them: durations ("5m"), sizes ("50MB"), and the nearest
// known word to a misspelt one. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"

namespace posthorn::config {

/// number unit [number unit …], units ms s m h d w, largest first: "90s", "1h30m", "5d". A bare "0" is none.
/// At most ten years. nullopt for anything else.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
/// What parse_duration reads back to the same: "1h30m".
[[nodiscard]] std::string duration_text(Duration duration);

/// number [unit], units B, KB or K, MB or M, GB or G, TB or T (also KiB …), any case, powers of 1024 as mail
/// systems count. At most 2^62. nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest unit that leaves a whole number: "64MB".
[[nodiscard]] std::string size_text(std::uint64_t octets);

/// The candidate nearest to `word` where the difference is small enough to be a slip (Damerau-Levenshtein at most a
/// third of the word); empty otherwise.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b or c".
[[nodiscard]] std::string alternatives(std::span<const std::string_view> words);

}  // namespace posthorn::config
