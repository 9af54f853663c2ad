#include "standards/imap/numbers.h"

#include <algorithm>
#include <charconv>

#include "foundation/base/number.h"

namespace posthorn::imap {
namespace {

void append_range(std::string& output, NumberRange range) {
  append_number(output, range.first);
  if (range.first == range.last) return;
  output += ':';
  append_number(output, range.last);
}

// seq-number = nz-number / "*"; takes it off the front.
std::optional<std::uint32_t> take_seq_number(std::string_view& text, bool asterisk_permitted) {
  if (asterisk_permitted && text.starts_with('*')) {
    text.remove_prefix(1);
    return SequenceSet::asterisk;
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value == 0 || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// sequence-set = (seq-number / seq-range) ["," sequence-set]
std::optional<std::vector<NumberRange>> parse_ranges(std::string_view text, bool asterisk_permitted) {
  std::vector<NumberRange> ranges;
  for (;;) {
    const auto first = take_seq_number(text, asterisk_permitted);
    if (!first) return std::nullopt;
    NumberRange range{*first, *first};
    if (text.starts_with(':')) {
      text.remove_prefix(1);
      const auto last = take_seq_number(text, asterisk_permitted);
      if (!last) return std::nullopt;
      range.last = *last;
    }
    if (ranges.size() == set_ranges_max) return std::nullopt;
    ranges.push_back(range);
    if (text.empty()) return ranges;
    if (text.front() != ',') return std::nullopt;
    text.remove_prefix(1);
  }
}

}  // namespace

// ---- NumberSet -------------------------------------------------------------------------------------------------

NumberSet::NumberSet(std::vector<NumberRange> ranges) {
  for (auto& range : ranges) {
    if (range.first > range.last) std::swap(range.first, range.last);
  }
  const auto before = [](NumberRange a, NumberRange b) { return a.first < b.first; };
  if (!std::ranges::is_sorted(ranges, before)) std::ranges::sort(ranges, before);
  ranges_.reserve(ranges.size());
  for (const auto range : ranges) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + std::uint64_t{1}) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

std::optional<NumberSet> NumberSet::parse(std::string_view text) {
  auto ranges = parse_ranges(text, false);
  if (!ranges) return std::nullopt;
  return NumberSet(std::move(*ranges));
}

void NumberSet::add(NumberRange range) {
  if (ranges_.empty() || range.first > ranges_.back().last + std::uint64_t{1}) return ranges_.push_back(range);
  if (range.first >= ranges_.back().first) {
    ranges_.back().last = std::max(ranges_.back().last, range.last);
    return;
  }
  auto all = std::move(ranges_);
  all.push_back(range);
  *this = NumberSet(std::move(all));
}

bool NumberSet::contains(std::uint32_t number) const {
  const auto after =
      std::ranges::upper_bound(ranges_, number, {}, [](const NumberRange& range) { return range.first; });
  return after != ranges_.begin() && std::prev(after)->last >= number;
}

std::uint64_t NumberSet::size() const {
  std::uint64_t count = 0;
  for (const auto range : ranges_) count += std::uint64_t{range.last} - range.first + 1;
  return count;
}

NumberSet NumberSet::intersection(const NumberSet& other) const {
  NumberSet both;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const NumberRange common{std::max(a->first, b->first), std::min(a->last, b->last)};
    if (common.first <= common.last) both.add(common);
    if (a->last < b->last) {
      ++a;
    } else {
      ++b;
    }
  }
  return both;
}

std::uint32_t NumberSet::at(std::uint64_t index) const {
  for (const auto range : ranges_) {
    const auto count = std::uint64_t{range.last} - range.first + 1;
    if (index < count) return range.first + static_cast<std::uint32_t>(index);
    index -= count;
  }
  return 0;
}

std::string NumberSet::text() const {
  std::string output;
  append_to(output);
  return output;
}

void NumberSet::append_to(std::string& output) const {
  bool is_first = true;
  for (const auto range : ranges_) {
    if (!is_first) output += ',';
    is_first = false;
    append_range(output, range);
  }
}

void append_ordered_set(std::string& output, std::span<const std::uint32_t> numbers) {
  bool is_first = true;
  for (std::size_t at = 0; at < numbers.size();) {
    NumberRange range{numbers[at], numbers[at]};
    for (++at; at < numbers.size() && numbers[at] == range.last + std::uint64_t{1}; ++at) range.last = numbers[at];
    if (!is_first) output += ',';
    is_first = false;
    append_range(output, range);
  }
}

// ---- SequenceSet -----------------------------------------------------------------------------------------------

std::optional<SequenceSet> SequenceSet::parse(std::string_view text) {
  if (text == "$") return saved();
  auto ranges = parse_ranges(text, true);
  if (!ranges) return std::nullopt;
  SequenceSet set;
  set.ranges_ = std::move(*ranges);
  return set;
}

SequenceSet SequenceSet::saved() {
  SequenceSet set;
  set.is_saved_ = true;
  return set;
}

SequenceSet SequenceSet::of(const NumberSet& numbers) {
  SequenceSet set;
  set.ranges_.assign(numbers.ranges().begin(), numbers.ranges().end());
  return set;
}

bool SequenceSet::has_asterisk() const {
  return std::ranges::any_of(ranges_, [](NumberRange r) { return r.first == asterisk || r.last == asterisk; });
}

NumberSet SequenceSet::resolve(std::uint32_t largest) const {
  std::vector<NumberRange> resolved;
  resolved.reserve(ranges_.size());
  for (auto range : ranges_) {
    const bool has_star = range.first == asterisk || range.last == asterisk;
    if (has_star && largest == 0) continue;
    if (range.first == asterisk) range.first = largest;
    if (range.last == asterisk) range.last = largest;
    resolved.push_back(range);
  }
  return NumberSet(std::move(resolved));
}

// ---- PartialRange ----------------------------------------------------------------------------------------------

namespace {

// partial-range-first = nz-number ":" nz-number; partial-range-last = MINUS nz-number ":" MINUS nz-number (RFC 9394 4)
std::optional<std::uint32_t> take_place(std::string_view& text, bool from_end) {
  if (text.starts_with('-') != from_end) return std::nullopt;
  if (from_end) text.remove_prefix(1);
  return text.empty() ? std::nullopt : take_seq_number(text, false);
}

}  // namespace

std::optional<PartialRange> PartialRange::parse(std::string_view text) {
  PartialRange range;
  range.from_end = text.starts_with('-');
  const auto first = take_place(text, range.from_end);
  if (!first || !text.starts_with(':')) return std::nullopt;
  text.remove_prefix(1);
  const auto last = take_place(text, range.from_end);
  if (!last || !text.empty()) return std::nullopt;
  range.first = std::min(*first, *last);
  range.last = std::max(*first, *last);
  return range;
}

std::string PartialRange::text() const {
  const std::string sign = from_end ? "-" : "";
  return sign + std::to_string(first) + ':' + sign + std::to_string(last);
}

NumberSet PartialRange::of(const NumberSet& numbers) const {
  const auto count = numbers.size();
  if (first > count) return {};
  const auto end = std::min<std::uint64_t>(last, count);
  std::uint64_t skip = from_end ? count - end : first - std::uint64_t{1};
  std::uint64_t take = end - first + 1;
  NumberSet window;
  for (const auto range : numbers.ranges()) {
    const auto length = std::uint64_t{range.last} - range.first + 1;
    if (skip >= length) {
      skip -= length;
      continue;
    }
    const auto used = std::min(length - skip, take);
    const auto begin = range.first + static_cast<std::uint32_t>(skip);
    window.add({begin, begin + static_cast<std::uint32_t>(used - 1)});
    skip = 0;
    take -= used;
    if (take == 0) break;
  }
  return window;
}

}  // namespace posthorn::imap
