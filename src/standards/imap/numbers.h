// The numbers of RFC 9051 2.3.1 and sets of them. Plain values, no I/O.
//
// SequenceSet is what a client writes: ranges in any order, "*" among them, or "$". NumberSet is what is known:
// ascending, disjoint ranges, cheap even where it stands for a million messages.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::imap {

using SequenceNumber = std::uint32_t;  ///< 1-based place in the selected mailbox (RFC 9051 2.3.1.2)
using Uid = std::uint32_t;             ///< RFC 9051 2.3.1.1; never 0
using ModSeq = std::uint64_t;          ///< RFC 7162 3.1; at most 2^63-1 on the wire

inline constexpr ModSeq mod_sequence_max = (1ULL << 63U) - 1;  // RFC 7162 7: mod-sequence-value

/// Ranges one set may be written with. A set of a million single numbers is 8 MB of text, which the command line's
/// limit refuses first; the literal limit bounds the rest.
inline constexpr std::size_t set_ranges_max = 1'000'000;

/// Both ends belong to it.
struct NumberRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

/// Ascending, disjoint, not touching ranges.
class NumberSet {
 public:
  NumberSet() = default;
  /// Any order, overlaps permitted; a range with its ends swapped is turned round (RFC 9051 9: seq-range).
  explicit NumberSet(std::vector<NumberRange> ranges);
  /// uid-set and sequence-set without "*" and "$": nullopt for anything else.
  [[nodiscard]] static std::optional<NumberSet> parse(std::string_view text);

  /// Adds one number. Cheap in ascending order (extends the last range), otherwise linear in the ranges.
  void add(std::uint32_t number) { add({number, number}); }
  void add(NumberRange range);
  [[nodiscard]] bool contains(std::uint32_t number) const;  ///< logarithmic in the ranges
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  /// How many numbers, not ranges.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::span<const NumberRange> ranges() const { return ranges_; }
  [[nodiscard]] std::uint32_t min() const { return ranges_.front().first; }  ///< precondition: not empty
  [[nodiscard]] std::uint32_t max() const { return ranges_.back().last; }    ///< precondition: not empty
  /// The numbers in both.
  [[nodiscard]] NumberSet intersection(const NumberSet& other) const;
  /// The n-th number, from 0; precondition: below size().
  [[nodiscard]] std::uint32_t at(std::uint64_t index) const;

  /// "1:3,7"; empty for the empty set.
  [[nodiscard]] std::string text() const;
  void append_to(std::string& output) const;

  friend bool operator==(const NumberSet&, const NumberSet&) = default;

 private:
  std::vector<NumberRange> ranges_;
};

/// Numbers in the client's order, which COPYUID needs on both sides (RFC 4315 3): ranges where they ascend by one.
void append_ordered_set(std::string& output, std::span<const std::uint32_t> numbers);

/// sequence-set (RFC 9051 9), "$" included (seq-last-command, RFC 5182).
class SequenceSet {
 public:
  static constexpr std::uint32_t asterisk = 0;  ///< "*" in a range

  /// nullopt: no sequence-set, a 0 among it, or more than set_ranges_max ranges.
  [[nodiscard]] static std::optional<SequenceSet> parse(std::string_view text);
  [[nodiscard]] static SequenceSet saved();
  [[nodiscard]] static SequenceSet of(const NumberSet& numbers);

  /// "$": the numbers are the saved result, which resolve() is not asked for.
  [[nodiscard]] bool is_saved() const { return is_saved_; }
  [[nodiscard]] bool has_asterisk() const;
  /// As written, `asterisk` for "*".
  [[nodiscard]] std::span<const NumberRange> ranges() const { return ranges_; }
  /// With "*" standing for `largest` (RFC 9051 9: the largest number in use, so that N:* always holds it). An
  /// empty mailbox (largest 0) makes "*" stand for nothing.
  [[nodiscard]] NumberSet resolve(std::uint32_t largest) const;

  friend bool operator==(const SequenceSet&, const SequenceSet&) = default;

 private:
  std::vector<NumberRange> ranges_;
  bool is_saved_ = false;
};

/// partial-range of RFC 9394 and PARTIAL of RFC 9051: places in a result, from 1; from its end where `from_end`.
struct PartialRange {
  std::uint32_t first = 1;
  std::uint32_t last = 1;  ///< not below first
  bool from_end = false;   ///< "-1:-100": 1 is the last result
  /// "500:400" becomes 400:500 (RFC 9394 3.1); nullopt for zeros, mixed signs, missing ends.
  [[nodiscard]] static std::optional<PartialRange> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  /// That window of an ascending result.
  [[nodiscard]] NumberSet of(const NumberSet& numbers) const;
  friend bool operator==(const PartialRange&, const PartialRange&) = default;
};

}  // namespace posthorn::imap
