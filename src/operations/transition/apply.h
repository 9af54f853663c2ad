// Apply: takes the steps of a road that are due, in their order, each verified at every authoritative server before the
// next. What it has done is in the DNS, in the policy log and in the ledger, written step by step: after a crash it
// goes on where it stopped, and takes no step twice that could do harm. `domain apply` runs it; docs/states/domains.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "operations/transition/road.h"
#include "operations/transition/zone_publisher.h"

namespace posthorn::transition {

/// What apply acts upon. Implemented by the entrance over the network and the store, by tests in memory.
class ApplyWorld {
 public:
  virtual ~ApplyWorld() = default;
  /// What each authoritative server has; the first one is where updates go.
  [[nodiscard]] virtual Task<Result<std::vector<domains::PublishedRecords>, Problem>> look(
      std::vector<domains::RecordQuestion> questions) = 0;
  [[nodiscard]] virtual Task<Result<void, Problem>> publish(ZoneChange change) = 0;
  /// Writes model, policies and ledger; a Problem where somebody else has changed the domain meanwhile.
  [[nodiscard]] virtual Task<Result<void, Problem>> keep(const domains::Model& model,
                                                         const domains::PolicyLog& policies,
                                                         const domains::Ledger& ledger) = 0;
  [[nodiscard]] virtual TimePoint now() = 0;
  [[nodiscard]] virtual Task<> wait(Duration duration) = 0;
  /// A line of progress.
  virtual void tell(std::string line) = 0;
};

enum class ApplyMode : std::uint8_t {
  dry,      ///< changes nothing
  publish,  ///< changes the zone
  by_hand,  ///< somebody else changes the zone: only looks, notes what is there, serves policies and changes states
};

struct ApplyOptions {
  ApplyMode mode = ApplyMode::dry;
  bool accept_stale_policies = false;  ///< the MX change between T1 and T2
  bool override_leaving = false;
  Duration patience = std::chrono::seconds(60);  ///< for all servers to have a change
};

struct ApplyOutcome {
  std::vector<Step> taken;
  Road road;  ///< what is left
  Situation situation;
  /// Why it stopped before the due steps were done; kind `no` or `unavailable`.
  std::optional<Problem> problem;
};

/// `situation.published` is looked up anew. `situation` else as the store has it.
[[nodiscard]] Task<ApplyOutcome> apply_road(ApplyWorld& world, Situation situation, ApplyOptions options);

/// The step's change of the zone, with the sets it touches as prerequisites.
[[nodiscard]] ZoneChange zone_change(const Step& step, const domains::PublishedRecords& published);

}  // namespace posthorn::transition
