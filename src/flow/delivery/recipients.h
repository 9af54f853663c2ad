// What RCPT is answered (RFC 5321 4.1.1.3; codes of RFC 3463, RFC 7504): the same for both doors, but for who may
// relay. Pure, over a directory snapshot.
#pragma once

#include "flow/delivery/arrival.h"
#include "foundation/base/result.h"
#include "site/directory/snapshot.h"
#include "standards/smtp/reply.h"

namespace posthorn::delivery {

/// Whether this session may send to domains that are not here: only with authentication (no open relay).
enum class Relaying : unsigned char { denied, permitted };

/// `host_name`: this host's own. Its postmaster is the bare Postmaster, whether a domain of that name is hosted or not.
[[nodiscard]] Result<Recipient, smtp::Reply> decide_recipient(const directory::Snapshot& directory,
                                                              std::string_view host_name,
                                                              const address::ForwardPath& path,
                                                              smtp::RcptParameters parameters, Relaying relaying);

// Replies that more than one place gives.
[[nodiscard]] smtp::Reply mailbox_full(std::string_view address);
[[nodiscard]] smtp::Reply storage_full();
[[nodiscard]] smtp::Reply storage_damaged();
[[nodiscard]] smtp::Reply shutting_down();
[[nodiscard]] smtp::Reply routing_loop(std::string_view why);

}  // namespace posthorn::delivery
