// SORT (RFC 5256 3, RFC 5957) and base subjects. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"
#include "standards/imap/search_key.h"
#include "standards/message/header.h"

namespace posthorn::imap {

/// RFC 5256 2.1: encoded-words decoded, white space folded, "Re: [list]", "(fwd)", "Fwd: [ … ]" taken off.
struct BaseSubject {
  std::string text;  ///< UTF-8, case-folded, to be compared octet by octet
  bool is_reply_or_forward = false;
};
[[nodiscard]] BaseSubject base_subject(std::string_view decoded_subject);

/// RFC 5256 2.2: the Date field in UTC; where it cannot be read, the internal date.
[[nodiscard]] TimePoint sent_date(const message::Header& header, TimePoint internal_date);

/// What SORT compares of one message.
struct SortKeys {
  std::uint32_t number = 0;  ///< sequence number or uid, the caller's: the last tie-breaker and the answer
  TimePoint arrival;         ///< internal date
  TimePoint date;            ///< sent_date
  std::uint64_t size = 0;    ///< the caller's
  std::string subject;
  std::string from, to, cc;  ///< addr-mailbox of the first address, collated
  std::string display_from, display_to;
};
/// The part of the keys that `criteria` needs, from a header. `internal_date` stands in for a missing Date.
[[nodiscard]] SortKeys sort_keys(const message::Header& header, std::span<const SortCriterion> criteria,
                                 TimePoint internal_date);
/// Whether the criteria need the header at all.
[[nodiscard]] bool needs_header(std::span<const SortCriterion> criteria);
/// The numbers in order.
[[nodiscard]] std::vector<std::uint32_t> sorted(const std::vector<SortKeys>& messages,
                                                std::span<const SortCriterion> criteria);

}  // namespace posthorn::imap
