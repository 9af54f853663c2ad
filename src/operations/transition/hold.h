// Hold: what the world may still do with a domain that this server no longer wants to know: come with mail by an old MX
// record, or keep to a policy that was served. `domain remove`, and the removal of its last account, wait for it. Pure.
#pragma once

#include <optional>
#include <string>

#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/policy_log.h"
#include "operations/domains/surroundings.h"

namespace posthorn::transition {

struct Hold {
  std::optional<TimePoint> until;  ///< nullopt: what must come first has not happened yet, as far as anybody knows
  std::string why;
};

/// nullopt: nothing holds the domain. Everything it goes by is kept in the store, so that it outlives a restart.
[[nodiscard]] std::optional<Hold> removal_hold(const domains::Model& model, const domains::Surroundings& around,
                                               const domains::PolicyLog& policies, const domains::Ledger& ledger,
                                               TimePoint now);
/// The same for the domain's last account, which takes the mail that still comes: held only on the way out.
[[nodiscard]] std::optional<Hold> last_account_hold(const domains::Model& model, const domains::Surroundings& around,
                                                    const domains::Ledger& ledger, TimePoint now);

}  // namespace posthorn::transition
