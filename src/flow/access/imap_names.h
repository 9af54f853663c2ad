// Object identifiers (RFC 8474) as the wire has them.
#pragma once

#include <string>

#include <fmt/format.h>

#include "platform/storage/rows.h"

namespace posthorn::access {

/// RFC 8474 4: MAILBOXID.
[[nodiscard]] inline std::string mailbox_id_text(storage::MailboxId id) {
  return fmt::format("M{}", id.value);
}
/// RFC 8474 5.1: EMAILID.
[[nodiscard]] inline std::string email_id_text(EmailId id) {
  return "E" + id.text();
}
/// RFC 8474 5.2: THREADID.
[[nodiscard]] inline std::string thread_id_text(std::uint64_t id) {
  return "T" + EmailId{id}.text();
}

}  // namespace posthorn::access
