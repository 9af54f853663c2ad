#include "operations/inspection/kept_of_check.h"

namespace posthorn::inspection {

domains::CheckMade summary_of(const CheckReport& report) {
  domains::CheckMade made{.at = report.checked_at, .errors = 0, .warnings = 0, .ids = {}};
  for (const CheckFinding& found : report.findings) {
    made.warnings += found.finding.level == FindingLevel::warning ? 1 : 0;
    if (found.finding.level != FindingLevel::error || found.in_doubt) continue;
    ++made.errors;
    if (made.ids.size() < domains::findings_kept_max) made.ids.push_back(found.finding.id);
  }
  return made;
}

void note_foreign_policy(domains::PolicyLog& policies, const CheckReport& report) {
  const bool is_theirs = policies.entries.empty() || policies.current()->elsewhere;
  if (is_theirs && report.policy && report.policy->fetch && report.policy->fetch->is_usable())
    policies.serve(report.policy->fetch->review.policy, report.checked_at, true);
}

}  // namespace posthorn::inspection
