// How lists stand in a column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/storage/rows.h"

namespace posthorn::storage {

/// Pairs of 64-bit little-endian numbers.
[[nodiscard]] OctetString encode_ranges(const std::vector<ContentRange>& ranges);
[[nodiscard]] std::vector<ContentRange> decode_ranges(Octets octets);

/// Items joined by a character that none of them holds.
[[nodiscard]] std::string join(const std::vector<std::string>& items, char separator);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// A line each: "result selector domain". No octet of them is a line end; spaces become "?" where they would part.
[[nodiscard]] std::string encode_dkim_results(const std::vector<DmarcRow::Dkim>& results);
[[nodiscard]] std::vector<DmarcRow::Dkim> decode_dkim_results(std::string_view text);

/// CRC-32C over what makes a message: header block, ranges, content. A changed bit of it in the database is found.
[[nodiscard]] std::uint32_t octets_crc(const StoredOctets& octets);
/// The same with whom it is for: a queue row's sender, a recipient's address and next hop.
[[nodiscard]] std::uint32_t queue_crc(const QueueRow& row);
[[nodiscard]] std::uint32_t recipient_crc(const RecipientRow& row);

/// What a story's key is found by. Different keys may share one; whoever asks compares the key itself.
[[nodiscard]] std::int64_t story_key_hash(std::string_view key);

}  // namespace posthorn::storage
