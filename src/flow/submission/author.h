// What submission looks at and mends in an author's message (RFC 6409): who it says it is from, and the fields that it
// must have and must not have. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "foundation/base/id.h"
#include "foundation/base/time.h"
#include "platform/storage/rows.h"
#include "site/directory/snapshot.h"
#include "standards/message/edit.h"
#include "standards/smtp/reply.h"

namespace posthorn::submission {

/// Sender authority over From and Sender: every address in them must be the login's, or the message would get our
/// signature for somebody else's name (STANDARDS 1: the worst hole in hosted mail). nullopt: it is.
[[nodiscard]] std::optional<smtp::Reply> check_author(const directory::Snapshot& directory, storage::AccountId account,
                                                      const message::Header& header);

/// RFC 6409 8: adds Date and Message-ID where they are missing, removes Bcc and Resent-Bcc (RFC 5322 3.6.3, 3.6.6);
/// nothing else. `edit` is over `header`. Returns the Message-ID it added, without brackets; empty: none.
std::string mend(const message::Header& header, message::HeaderEdit& edit, MailId id, std::string_view host_name,
                 TimePoint at);

}  // namespace posthorn::submission
