// What is remembered of mail from outside beside its stories: the rows of the DMARC reports to come, counted a UTC day,
// policy domain and row as aggregate reports have them (RFC 9990), and the selectors with which domains validly sign.
//
// Both are rows of tables of their own (storage::DmarcRow, SelectorRow) and are written in the unit of the message's
// story, so that a crash leaves both or neither. The store bounds and sweeps them (unit.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/verification/observer.h"
#include "platform/storage/store.h"

namespace posthorn::verification {

inline constexpr std::chrono::days dmarc_rows_kept{14};  // ours: reports go out the day after

/// Nullopt where DMARC does not apply: nobody published a policy for the author's domain.
[[nodiscard]] std::optional<storage::DmarcRow> dmarc_row(const Observation& observation);
/// One for each valid signature, with the selectors as they were seen now.
[[nodiscard]] std::vector<storage::SelectorRow> selector_rows(const Observation& observation);

/// Adds both to the unit of the message's story.
class Remembered final : public Observer {
 public:
  void observed(const Observation& observation, std::vector<storage::Mutation>& with_story) override;
};

/// Every row of a policy domain and day, in no special order.
[[nodiscard]] Task<std::vector<storage::DmarcRow>> dmarc_rows(storage::Store& store, std::chrono::sys_days day,
                                                              std::string policy_domain);
/// The policy domains with rows that day, in order.
[[nodiscard]] Task<std::vector<std::string>> dmarc_policy_domains(storage::Store& store, std::chrono::sys_days day);
/// Removes days that are over for longer than dmarc_rows_kept.
[[nodiscard]] Task<> sweep_dmarc_rows(storage::Store& store, TimePoint now);

}  // namespace posthorn::verification
