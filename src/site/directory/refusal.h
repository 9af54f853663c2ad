// What plans that are refused have in common.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace posthorn::directory {

[[nodiscard]] inline Problem no(std::string what, std::string why, std::string remedy) {
  return {ProblemKind::no, std::move(what), std::move(why), std::move(remedy)};
}

/// Of an address or a domain in key form.
[[nodiscard]] inline std::string_view domain_of(std::string_view key) {
  return key.substr(key.rfind('@') + 1);
}

}  // namespace posthorn::directory
