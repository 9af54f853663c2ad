// The header fields that clients, SORT, THREAD and most searches ask for: kept beside a message, so that its octets
// need not be read for them. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "standards/imap/fetch_items.h"
#include "standards/message/header.h"

namespace posthorn::imap {

/// More is not kept: a row of the store then fits into a page.
inline constexpr std::size_t usual_fields_octets_max = 3584;

[[nodiscard]] bool is_usual_field(std::string_view name);
/// These fields of a header, raw and in its order, with the empty line; as a header section, what Header::parse takes.
/// Empty where they exceed usual_fields_octets_max, or the header its own limits.
[[nodiscard]] std::string write_usual_fields(const message::Header& header);
/// Whether a section is a choice among the usual fields of the message itself.
[[nodiscard]] bool needs_only_usual_fields(const FetchSection& section);

}  // namespace posthorn::imap
