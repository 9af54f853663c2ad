// The envelope between rows and SMTP: how the DSN parameters of RCPT and MAIL (RFC 3461) stand in queue rows. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/storage/rows.h"
#include "standards/smtp/parameters.h"

namespace posthorn::queue {

/// RecipientRow::notify. 0: the parameter was not given.
enum class NotifyBit : std::uint8_t { never = 1, success = 2, failure = 4, delay = 8 };
[[nodiscard]] std::uint8_t notify_bits(const smtp::Notify& notify);
[[nodiscard]] smtp::Notify notify_from(std::uint8_t bits);

/// RecipientRow::original: "rfc822;user+2Bx@example.com"; empty for none.
[[nodiscard]] std::string original_text(const std::optional<smtp::OriginalRecipient>& original);
[[nodiscard]] std::optional<smtp::OriginalRecipient> original_from(std::string_view text);

/// QueueRow::ret and ::envelope_id (xtext) of MAIL's parameters, and back.
[[nodiscard]] std::string ret_text(const std::optional<smtp::Ret>& ret);
[[nodiscard]] std::optional<smtp::Ret> ret_from(std::string_view text);
[[nodiscard]] std::string envelope_id_text(std::string_view envid);
[[nodiscard]] std::string envelope_id_from(std::string_view xtext);

}  // namespace posthorn::queue
