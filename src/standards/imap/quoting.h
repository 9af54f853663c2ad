// string and astring (RFC 9051 9) as they are written; used inside this room by both ends.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::imap {

/// Longer strings become literals (our habit: quoted strings stay on one screen line of any log).
inline constexpr std::size_t quoted_octets_max = 4096;

/// ATOM-CHAR.
[[nodiscard]] bool is_atom_char(char c);
/// Whether the octets can stand between double quotes: no CR, LF, NUL; 8-bit only where `utf8` and well-formed.
[[nodiscard]] bool is_quotable(std::string_view octets, bool utf8);
void append_quoted(std::string& output, std::string_view octets);
/// literal, or literal8 where it holds NUL (RFC 3516).
void append_literal(std::string& output, std::string_view octets);
/// string: quoted where it can be.
void append_string(std::string& output, std::string_view octets, bool utf8 = false);
/// An atom where it can be, else a string.
void append_astring(std::string& output, std::string_view octets, bool utf8 = false);

}  // namespace posthorn::imap
