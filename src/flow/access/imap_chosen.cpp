#include "flow/access/imap_chosen.h"

namespace posthorn::access {

void Chosen::add(PositionRange range) {
  if (range.first >= range.end) return;
  if (!ranges_.empty() && ranges_.back().end >= range.first) {
    ranges_.back().end = std::max(ranges_.back().end, range.end);
  } else {
    ranges_.push_back(range);
  }
}

std::size_t Chosen::size() const {
  std::size_t count = 0;
  for (const PositionRange& range : ranges_) count += range.end - range.first;
  return count;
}

std::vector<storage::Uid> Chosen::uids(const mailbox::Version& version) const {
  std::vector<storage::Uid> uids;
  uids.reserve(size());
  for_each(version, [&uids](std::size_t, const mailbox::Entry& entry) { uids.push_back(entry.uid()); });
  return uids;
}

Chosen choose_uids(const mailbox::Version& version, const imap::NumberSet& uids) {
  Chosen chosen;
  for (const imap::NumberRange& range : uids.ranges()) {
    const std::size_t first = version.lower_bound(range.first);
    if (first >= version.size()) break;
    const std::size_t end =
        range.last == std::numeric_limits<std::uint32_t>::max() ? version.size() : version.lower_bound(range.last + 1);
    chosen.add({first, end});
  }
  return chosen;
}

Chosen choose_numbers(const mailbox::Version& version, const imap::NumberSet& numbers) {
  Chosen chosen;
  for (const imap::NumberRange& range : numbers.ranges()) {
    if (range.first > version.size()) break;
    chosen.add({range.first - 1, std::min<std::size_t>(range.last, version.size())});
  }
  return chosen;
}

Chosen choose_all(const mailbox::Version& version) {
  Chosen chosen;
  chosen.add({0, version.size()});
  return chosen;
}

Result<Chosen, Ending> choose(const Selected& selected, const imap::SequenceSet& set, bool is_uid) {
  const mailbox::Version& known = selected.known();
  if (set.is_saved()) return choose_uids(known, selected.saved);
  const auto size = static_cast<std::uint32_t>(known.size());
  if (is_uid) return choose_uids(known, set.resolve(size == 0 ? 0 : known.at(size - 1).uid()));
  if (size == 0 && set.has_asterisk()) return fail(bad("The mailbox is empty: there is no such message"));
  const imap::NumberSet numbers = set.resolve(size);
  if (!numbers.empty() && numbers.max() > size) return fail(bad("There is no message with that sequence number"));
  return choose_numbers(known, numbers);
}

std::vector<std::size_t> take_positions(std::vector<PositionRange>& ranges, std::size_t max) {
  std::vector<std::size_t> positions;
  std::size_t done = 0;
  for (PositionRange& range : ranges) {
    while (range.first < range.end && positions.size() < max) positions.push_back(range.first++);
    if (range.first < range.end) break;
    ++done;
  }
  ranges.erase(ranges.begin(), ranges.begin() + static_cast<std::ptrdiff_t>(done));
  return positions;
}

}  // namespace posthorn::access
