// Record data as this room compares and keeps it: presentation form, one form a value: names in lower case, the strings
// of a TXT record joined and cut again at 255 octets (RFC 7208 3.3, RFC 6376 3.6.2.2: only the joined text counts).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "standards/dns/record.h"

namespace posthorn::domains {

/// Presentation form ("10 mail.example.org.") as data; nullopt where it is none of the type. Names are absolute with
/// or without their root dot.
[[nodiscard]] std::optional<dns::RecordData> parse_data(dns::RecordType type, std::string_view text);
[[nodiscard]] std::string canonical_text(const dns::RecordData& data);
/// Of presentation form; the text as it is where it does not parse.
[[nodiscard]] std::string canonical_text(dns::RecordType type, std::string_view text);

/// "v=spf1 -all" → "\"v=spf1 -all\"", in as many strings as it needs.
[[nodiscard]] std::string txt_data(std::string_view text);
/// The joined text of TXT data in presentation form; empty where it is none.
[[nodiscard]] std::string txt_text(std::string_view data);

}  // namespace posthorn::domains
