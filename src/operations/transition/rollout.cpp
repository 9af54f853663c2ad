#include "operations/transition/rollout.h"

#include <algorithm>

#include "foundation/text/ascii.h"

namespace posthorn::transition {
namespace {

/// Since when a policy of this mode has been served without a break; nullopt: it is not now.
std::optional<TimePoint> served_since(const domains::PolicyLog& policies, mta_sts::Mode mode) {
  std::optional<TimePoint> since;
  for (auto entry = policies.entries.rbegin(); entry != policies.entries.rend(); ++entry) {
    if (entry->policy.mode != mode) break;
    since = entry->first_served;
  }
  return since;
}

class Decision {
 public:
  Decision(const RolloutRequest& request, RolloutDecision& out)
      : request_(request), span_(std::chrono::days(request.clean_days)), out_(out) {}

  void need_time(std::optional<TimePoint> since, const std::string& of_what) {
    if (!since) {
      out_.missing.push_back(of_what + ": not yet");
      only_time_ = false;
    } else if (*since + span_ > request_.now) {
      out_.missing.push_back(
          fmt::format("{} since {}, {} days are asked for", of_what, rfc3339(*since), request_.clean_days));
      latest_ = std::max(latest_, *since + span_);
    } else {
      out_.evidence.push_back(fmt::format("{} since {}", of_what, rfc3339(*since)));
    }
  }
  void need_reports(const std::optional<domains::ReportedSessions>& reports) {
    if (!reports) {
      out_.evidence.emplace_back("TLS reports are not read here: the checks alone decide");
    } else if (reports->failed > 0) {
      std::string why = reports->reasons.empty() ? "" : ": " + reports->reasons.front();
      out_.missing.push_back(fmt::format("TLS reports tell of {} failed sessions{}", reports->failed, why));
      only_time_ = false;
    } else {
      out_.evidence.push_back(fmt::format("TLS reports tell of {} sessions and no failure", reports->good));
    }
  }
  void end() {
    out_.allowed = out_.missing.empty() || request_.without_evidence;
    if (!out_.missing.empty() && only_time_) out_.earliest = latest_;
  }

 private:
  const RolloutRequest& request_;
  Duration span_;
  RolloutDecision& out_;
  bool only_time_ = true;
  TimePoint latest_{};
};

}  // namespace

std::size_t stage_index(const std::optional<domains::StsStage>& stage) {
  if (!stage || stage->mode == mta_sts::Mode::none) return 0;
  if (stage->mode == mta_sts::Mode::testing) return 1;
  return stage->max_age_seconds < rollout_stages.back().max_age_seconds ? 2 : 3;
}

RolloutDecision decide_rollout(const domains::Model& model, const std::vector<domains::CheckMade>& checks,
                               const std::optional<domains::ReportedSessions>& reports,
                               const domains::PolicyLog& policies, const RolloutRequest& request) {
  RolloutDecision out;
  const std::size_t from = stage_index(model.sts), to = stage_index(request.to);
  const bool longer = model.sts && model.sts->mode == request.to.mode &&
                      request.to.max_age_seconds > model.sts->max_age_seconds && to >= 2;
  out.forward = to > from || longer;
  Decision decision(request, out);
  if (out.forward && to >= 2) {
    if (to > from + 1)
      out.missing.push_back(
          fmt::format("{} comes first", to == 2 || from == 0 ? "testing" : "enforce with max_age 86400"));
    decision.need_time(served_since(policies, from <= 1 ? mta_sts::Mode::testing : mta_sts::Mode::enforce),
                       fmt::format("a policy in mode {} has been served", from <= 1 ? "testing" : "enforce"));
    decision.need_time(domains::clean_since(checks, request.now, check_fresh), "checks have been without errors");
    decision.need_reports(reports);
  }
  decision.end();
  return out;
}

}  // namespace posthorn::transition
