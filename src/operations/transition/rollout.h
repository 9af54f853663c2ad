// Rollout: MTA-STS step by step: none → testing/86400 → enforce/86400 → enforce/1209600 (RFC 8461 8.1; the UK
// government's guidance). A step forward needs evidence that nothing would be refused; a step back needs none. Pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operations/domains/evidence.h"
#include "operations/domains/model.h"
#include "operations/domains/policy_log.h"

namespace posthorn::transition {

/// In order. The first stands for no policy.
inline constexpr std::array rollout_stages{
    domains::StsStage{mta_sts::Mode::none, 86'400}, domains::StsStage{mta_sts::Mode::testing, 86'400},
    domains::StsStage{mta_sts::Mode::enforce, 86'400}, domains::StsStage{mta_sts::Mode::enforce, 1'209'600}};

/// Days that checks (and TLS reports, where they are read) must have been clean for a step to enforce.
inline constexpr unsigned clean_days_default = 14;
/// A check older than this says nothing about now.
inline constexpr Duration check_fresh = std::chrono::days(2);

/// Where the model stands among the stages: the highest that it has reached.
[[nodiscard]] std::size_t stage_index(const std::optional<domains::StsStage>& stage);

struct RolloutRequest {
  domains::StsStage to;
  TimePoint now;
  unsigned clean_days = clean_days_default;
  bool without_evidence = false;  ///< its administrator has said so
};

struct RolloutDecision {
  bool forward = false;
  bool allowed = false;
  std::vector<std::string> evidence;  ///< what speaks for it
  std::vector<std::string> missing;   ///< what is not there yet
  /// When the missing evidence can be complete at the earliest, where only time is missing.
  std::optional<TimePoint> earliest;
};

[[nodiscard]] RolloutDecision decide_rollout(const domains::Model& model, const std::vector<domains::CheckMade>& checks,
                                             const std::optional<domains::ReportedSessions>& reports,
                                             const domains::PolicyLog& policies, const RolloutRequest& request);

}  // namespace posthorn::transition
