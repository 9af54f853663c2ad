// A string of JSON (RFC 8259 7) written without a document in memory: what log lines and stories are made of.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::codec {

/// Appends `text` in quotation marks. Whatever a peer sent leaves a valid document: octets that are no UTF-8 stand as
/// the code points of their values (\u00ff), so that they can still be told apart.
void append_json_string(std::string& to, std::string_view text);

}  // namespace posthorn::codec
