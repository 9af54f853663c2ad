// THREAD=ORDEREDSUBJECT and THREAD=REFERENCES (RFC 5256 3 and 4). Pure; linear but for the sorting.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/time.h"
#include "standards/imap/response.h"
#include "standards/imap/search_key.h"
#include "standards/message/header.h"

namespace posthorn::imap {

/// What threading looks at of one message.
struct ThreadKeys {
  std::uint32_t number = 0;  ///< sequence number or uid
  TimePoint date;            ///< sent date (RFC 5256 2.2)
  std::string subject;       ///< base subject
  bool is_reply_or_forward = false;
  std::string message_id;               ///< without brackets; empty: none
  std::vector<std::string> references;  ///< References, else the first of In-Reply-To
};
[[nodiscard]] ThreadKeys thread_keys(const message::Header& header, TimePoint internal_date);

[[nodiscard]] ThreadTree thread_messages(std::vector<ThreadKeys> messages, ThreadAlgorithm algorithm);

}  // namespace posthorn::imap
