// Which messages a search-key matches, and work on the octets of many messages: on reader threads, in portions, so that
// neither a loop nor a reader is held for long.
#pragma once

#include <functional>

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

/// Calls `visit(index into ids, header octets)` on a reader thread for a portion of messages; those that are gone are
/// passed over. `visit` owns what it captures.
using HeaderVisitor = std::function<void(std::size_t, Octets)>;
[[nodiscard]] Task<> visit_headers(ImapContext& context, std::vector<EmailId> ids, HeaderVisitor visit);

}  // namespace posthorn::access
