// The seven results of check_host (RFC 7208 2.6), in its words.
#pragma once

#include <string_view>

namespace posthorn::spf {

enum class Result : unsigned char {
  none,       ///< no domain to check, or no record
  neutral,    ///< the owner says nothing about this host
  pass,       ///< the host may send for the domain
  fail,       ///< it may not
  softfail,   ///< it probably may not
  temperror,  ///< DNS could not be asked now
  permerror,  ///< the records cannot be evaluated
};

/// "softfail", as Authentication-Results and Received-SPF write it.
[[nodiscard]] std::string_view text(Result result);

}  // namespace posthorn::spf
