// msg-id (RFC 5322 3.6.4): what stands in Message-ID, In-Reply-To and References.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

inline constexpr std::size_t message_ids_max = 1000;  // of one References field

/// The first msg-id in the text, without angle brackets, white space and comments, quotes kept as written (they
/// are part of an obsolete id-left). Where there are no brackets, the first word that has an "@" (the world's habit).
[[nodiscard]] std::optional<std::string> parse_message_id(std::string_view text);
/// All of them, in order (References, In-Reply-To; words between them are ignored, RFC 5322 4.5.4).
[[nodiscard]] std::vector<std::string> parse_message_ids(std::string_view text);

}  // namespace posthorn::message
