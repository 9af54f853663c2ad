// ENVELOPE and BODYSTRUCTURE (RFC 9051 7.5.2) of a message, as text that is made once and kept.
//
// The texts are neutral: strings are quoted UTF-8, never literals. ResponseWriter turns them into what a session
// takes (encoded-words for those without UTF8=ACCEPT), so that one stored fact serves all.
#pragma once

#include <string>
#include <string_view>

#include "standards/message/mime.h"

namespace posthorn::imap {

/// "(date subject (from) (sender) (reply-to) (to) (cc) (bcc) in-reply-to message-id)". Sender and reply-to are from's
/// where absent or empty (RFC 9051 7.5.2); raw 8-bit that is no UTF-8 is read as Windows-1252; encoded-words stay.
[[nodiscard]] std::string write_envelope(const message::Header& header);
/// With extension data: MD5 NIL, disposition, language, location.
[[nodiscard]] std::string write_body_structure(const message::PartTree& tree);
/// The form without extension data, cut from the other.
[[nodiscard]] std::string without_extension_data(std::string_view body_structure);
/// Non-ASCII strings of a fact become encoded-words: for sessions without UTF8=ACCEPT (RFC 9755 7).
[[nodiscard]] std::string downgraded(std::string_view fact);

}  // namespace posthorn::imap
