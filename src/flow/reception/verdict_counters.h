// VerdictCounters: metrics of what verification finds and what becomes of it.
#pragma once

#include <vector>

#include "flow/verification/decision.h"
#include "platform/runtime/metrics.h"

namespace posthorn::reception {

/// How often each method came to each result, and what was decided.
class VerdictCounters {
 public:
  explicit VerdictCounters(runtime::Metrics& metrics);
  void count(const verification::Verdicts& verdicts, const verification::Decision& decision);

 private:
  std::vector<runtime::Counter*> spf_, dkim_, dmarc_, decisions_;  // by the value of their enumeration
};

}  // namespace posthorn::reception
