// What FETCH answers again and again, made once from a message's octets and kept by flow/mailbox.
#pragma once

#include "flow/mailbox/mailboxes.h"

namespace posthorn::access {

/// ENVELOPE, BODYSTRUCTURE, PREVIEW and the usual header fields as standards/imap writes them. Pure; called on any
/// thread.
[[nodiscard]] mailbox::Facts make_facts(Octets message);

}  // namespace posthorn::access
