// What MAIL and RCPT share: their keyword, and the replies to a path that cannot be read.
#pragma once

#include <string_view>

#include "standards/address/domain.h"
#include "standards/smtp/reply.h"

namespace posthorn::smtp::server {

/// Takes "FROM:" or "TO:" off the front, in any case, with the white space behind it that RFC 5321 3.3 forbids
/// and old senders write. False when it is not there.
[[nodiscard]] bool take_keyword(std::string_view& text, std::string_view keyword);
/// 501 in general; `status` is 5.1.7 for a sender and 5.1.3 for a recipient (RFC 3463 3.2).
[[nodiscard]] Reply bad_path(address::AddressError error, EnhancedStatus status);
/// RFC 6531 3.5: an address outside ASCII without the parameter.
[[nodiscard]] Reply needs_smtputf8();

}  // namespace posthorn::smtp::server
