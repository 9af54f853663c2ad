// STATUS responses, of STATUS and of LIST … RETURN (STATUS …).
#pragma once

#include "flow/access/imap_context.h"

namespace posthorn::access {

[[nodiscard]] Task<mailbox::Outcome<imap::StatusResponse>> look_at_status(ImapContext& context, std::string name,
                                                                          imap::StatusItems items);

}  // namespace posthorn::access
