// Where TLS reports may be sent: "mailto:" and "https:" URIs (RFC 8460 3). Pure.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::tls_rpt {

/// Why no report can go to this URI, in words; "" when one can.
[[nodiscard]] std::string why_no_destination(std::string_view uri);

}  // namespace posthorn::tls_rpt
