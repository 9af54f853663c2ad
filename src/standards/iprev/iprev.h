// iprev (RFC 8601 3): the peer's address has a name, and the name leads back to the address.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/ip_address.h"
#include "foundation/base/task.h"
#include "standards/dns/resolver.h"

namespace posthorn::iprev {

inline constexpr unsigned names_max = 10;  // ours, as RFC 7208 4.6.4 has it for ptr: later PTR names are not looked at

enum class Result : unsigned char {
  pass,
  fail,       ///< names, but none leads back
  temperror,  ///< DNS could not be asked now
  permerror,  ///< no PTR record at all (RFC 8601 2.7.3)
};
[[nodiscard]] std::string_view text(Result result);

struct Outcome {
  Result result = Result::temperror;
  IpAddress ip;
  std::string name;                  ///< the name that led back, lower case; with fail the first name found
  std::string reason;                ///< one sentence
  std::vector<std::string> answers;  ///< what the DNS said, for the story
};
[[nodiscard]] Task<Outcome> check(dns::Resolver& resolver, IpAddress ip);

}  // namespace posthorn::iprev
