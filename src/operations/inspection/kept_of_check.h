// What is kept of a check when it is over: a row of the domain's history, which roll-outs go by, and the policy that
// others were seen to serve, which the MX gate goes by. Pure.
#pragma once

#include "operations/domains/evidence.h"
#include "operations/domains/policy_log.h"
#include "operations/inspection/check.h"

namespace posthorn::inspection {

/// What the history keeps of a check.
[[nodiscard]] domains::CheckMade summary_of(const CheckReport& report);

/// A policy that others serve is fetched by everybody, and known to us from the check on: the MX gate goes by it.
/// Nothing where the domain's policies are ours.
void note_foreign_policy(domains::PolicyLog& policies, const CheckReport& report);

}  // namespace posthorn::inspection
