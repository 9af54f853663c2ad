// The story of verification: every verdict as a step in plain words with its evidence (records, DNS answers, keys),
// and the decision that followed.
#pragma once

#include "flow/verification/decision.h"
#include "site/journal/story.h"

namespace posthorn::verification {

void tell_verdicts(journal::Story& story, TimePoint at, const Verdicts& verdicts);
/// Nothing where the verdicts changed nothing.
void tell_decision(journal::Story& story, TimePoint at, const Decision& decision);

}  // namespace posthorn::verification
