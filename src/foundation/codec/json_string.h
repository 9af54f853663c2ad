// JSON text written without a DOM: what the hot path of stories needs.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::journal {

/// Appends `text` as a JSON string. Octets that are no UTF-8 become U+FFFD one by one, so that whatever a peer sent
/// leaves a valid document.
void append_json_string(std::string& to, std::string_view text);

}  // namespace posthorn::journal
