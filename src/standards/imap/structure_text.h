// Strings of facts (structure.h): quoted, UTF-8, no line ends. Used inside this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::imap {

/// What is no UTF-8 is read as Windows-1252; CR, LF and NUL become spaces.
void append_fact_string(std::string& output, std::string_view octets);
/// NIL for none.
void append_fact_nstring(std::string& output, const std::optional<std::string>& octets);

}  // namespace posthorn::imap
