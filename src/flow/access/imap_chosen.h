// Which messages a sequence-set names: places in the mailbox as the client knows it.
#pragma once

#include "flow/access/imap_context.h"
#include "foundation/base/result.h"

namespace posthorn::access {

/// Positions first ≤ position < end.
struct PositionRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

/// Ascending, without overlaps.
class Chosen {
 public:
  void add(PositionRange range);
  [[nodiscard]] const std::vector<PositionRange>& ranges() const { return ranges_; }
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

  /// Calls visit(position, entry) for each, in order.
  template <class Visit>
  void for_each(const mailbox::Version& version, Visit visit) const {
    for (const PositionRange& range : ranges_) version.for_each(range.first, range.end, visit);
  }
  [[nodiscard]] std::vector<storage::Uid> uids(const mailbox::Version& version) const;

 private:
  std::vector<PositionRange> ranges_;
};

/// Sequence numbers beyond the mailbox are an error (RFC 9051 9: seq-number); uids that are not there are not
/// (6.4.9). "*" among uids is the highest there is, so that 559:* always finds the last message.
[[nodiscard]] Result<Chosen, Ending> choose(const Selected& selected, const imap::SequenceSet& set, bool is_uid);
/// The messages with these uids that are there.
[[nodiscard]] Chosen choose_uids(const mailbox::Version& version, const imap::NumberSet& uids);
/// Those at these sequence numbers that are there.
[[nodiscard]] Chosen choose_numbers(const mailbox::Version& version, const imap::NumberSet& numbers);
/// All of them.
[[nodiscard]] Chosen choose_all(const mailbox::Version& version);

/// Takes the next at most `max` positions off the front.
[[nodiscard]] std::vector<std::size_t> take_positions(std::vector<PositionRange>& ranges, std::size_t max);

}  // namespace posthorn::access
