// Passwords as people type them: the same word has several spellings in Unicode, and keyboards differ in which they
// send. Both sides of a comparison go through here.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::directory {

/// The OpaqueString profile of PRECIS (RFC 8265 4.2.2), which took the place of SASLprep (RFC 4013): spaces outside
/// ASCII become SPACE, then Normalization Form C; letters keep their case. ASCII, and octets that are no UTF-8, stay as
/// they are.
[[nodiscard]] std::string password_text(std::string_view typed);

}  // namespace posthorn::directory
