// Downgraded header sections: what a reader gets that cannot take UTF-8 in headers (RFC 6856 2.1, by the ways of
// RFC 6857 3 and 4).
//
// Fields in ASCII, and those with octets that are no UTF-8 (old mail; it was never internationalized), stay as they
// are, octet for octet. The others:
//   Subject, Comments, Content-Description   encoded-words (RFC 2047)
//   address fields                           display names as encoded-words; an address with a non-ASCII local part
//                                            becomes an empty group whose name tells it (RFC 6857 3.1.8)
//   Content-Type, Content-Disposition        non-ASCII runs as encoded-words, so that the parts are still found
//   all others                               renamed "Downgraded-NAME", encoded-words (RFC 6857 4)
// Headers of parts are not looked at.
#pragma once

#include <string>

#include "foundation/base/bytes.h"

namespace posthorn::message {

/// How long the header section at the start of `message` is, its empty line included; 0 where it does not end here.
[[nodiscard]] std::size_t header_section_octets(Octets message);
/// Whether a reader without UTF-8 must get another header section.
[[nodiscard]] bool needs_downgrade(Octets header_section);
/// `header_section` as header_section_octets() measured it; the result ends with its empty line too.
[[nodiscard]] std::string downgraded_header(Octets header_section);

}  // namespace posthorn::message
