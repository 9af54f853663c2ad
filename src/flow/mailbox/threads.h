// Which thread an email belongs to (RFC 8474 5.2): told by the message ids it names.
#pragma once

#include <cstdint>
#include <vector>

#include "standards/message/header.h"

namespace posthorn::mailbox {

/// References and In-Reply-To name at most this many that count, the nearest ones.
inline constexpr std::size_t thread_references_max = 20;

/// Hashes for storage::AddEmail::thread_keys: of its own Message-ID, then of what it answers, the nearest first.
[[nodiscard]] std::vector<std::int64_t> thread_keys(const message::Header& header);

}  // namespace posthorn::mailbox
