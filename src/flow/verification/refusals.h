// Refusals beside DMARC's, and deferrals: which verdict gets which code of RFC 7372 and RFC 7505. Internal to the room.
#pragma once

#include <optional>
#include <vector>

#include "flow/verification/verify_message.h"
#include "site/config/verification.h"
#include "standards/smtp/reply.h"

namespace posthorn::verification {

/// The first of what the site refuses that this message is guilty of; nothing for what could not be checked.
[[nodiscard]] std::optional<smtp::Reply> site_refusal(const Verdicts& verdicts,
                                                      const std::vector<config::Refusal>& refuse);
/// What a DNS failure left open and would have decided; nothing where DMARC passed all the same.
[[nodiscard]] std::optional<smtp::Reply> deferral(const Verdicts& verdicts, const std::vector<config::Refusal>& refuse);

}  // namespace posthorn::verification
