// Mailbox names: UTF-8 with "/" between levels inside Posthorn; on the wire UTF-8 for sessions that enabled
// IMAP4rev2 or UTF8=ACCEPT, modified UTF-7 (RFC 3501 5.1.3) for the others. Values, no I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::imap {

inline constexpr char hierarchy_separator = '/';
inline constexpr std::size_t mailbox_name_octets_max = 1000;  // our bound, as others have it (Dovecot: 4096 in all)
inline constexpr std::size_t mailbox_levels_max = 50;

/// RFC 3501 5.1.3. nullopt: an unfinished or superfluous shift, bad base64, a lone surrogate, an encoded character
/// that could stand for itself, an octet above 126. A character beyond the BMP is a surrogate pair.
[[nodiscard]] std::optional<std::string> decode_modified_utf7(std::string_view name);
/// "&" becomes "&-". Precondition: UTF-8.
[[nodiscard]] std::string encode_modified_utf7(std::string_view utf8);

/// What a client said, as we keep it: decoded by the session's encoding, "INBOX" in upper case where it is the name
/// or its first level. nullopt where the octets are no name in that encoding.
[[nodiscard]] std::optional<std::string> read_mailbox_name(std::string_view wire, bool is_utf8);
/// Whether a mailbox may be made under that name: not empty, no empty level, no control characters (RFC 9051 5.1;
/// RFC 5198: U+2028 and U+2029 neither), no "%" and "*", bounded.
[[nodiscard]] bool is_creatable(std::string_view name);

/// The name a LIST shows.
[[nodiscard]] std::string wire_mailbox_name(std::string_view name, bool is_utf8);

}  // namespace posthorn::imap
