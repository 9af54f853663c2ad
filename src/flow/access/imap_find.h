// Which messages a search-key matches: on reader threads, in portions, so that neither a loop nor a reader is held for
// long.
#pragma once

#include "flow/access/imap_context.h"
#include "standards/imap/search.h"

namespace posthorn::access {

/// Messages looked at in one portion.
inline constexpr std::size_t kOctetsPortion = 500;
/// Octets of one message that SEARCH looks at: memory for a few of these at once is always there. Text behind it is not
/// found.
inline constexpr std::size_t kSearchedOctetsMax = 64 * MiB;
/// Enough for nearly every header; where one is longer, more is read.
inline constexpr std::size_t kSearchedHeaderOctets = 64 * KiB;

/// Positions of what matches, ascending.
[[nodiscard]] Task<std::vector<std::size_t>> find_messages(ImapContext& context, const imap::SearchKey& key);

}  // namespace posthorn::access
