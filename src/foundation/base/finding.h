// Finding: what a check of a record or of a domain noticed, for a person and for scripts. The ids are fixed and
// listed in docs/operator/findings.md; a finding explains itself and, where there is one, carries the corrected value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn {

enum class FindingLevel : unsigned char {
  info,     ///< worth knowing
  warning,  ///< works today, and should be changed
  error,    ///< does not do what its owner wants
};

[[nodiscard]] constexpr std::string_view word(FindingLevel level) {
  switch (level) {
    case FindingLevel::info:
      return "info";
    case FindingLevel::warning:
      return "warning";
    case FindingLevel::error:
      break;
  }
  return "error";
}

struct Finding {
  std::string id;  ///< "spf-plus-all"
  FindingLevel level = FindingLevel::warning;
  std::string reason;      ///< one sentence that names the term or tag
  std::string correction;  ///< the record as it should read; empty where only its owner can know
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

}  // namespace posthorn
