// The queue verbs (retry, hold, release, drop) as rules over rows. Pure but for apply_offline's store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/queue/queue.h"

namespace posthorn::queue {

/// One recipient as it is and as it would be; nullopt: gone.
struct RowChange {
  storage::RecipientRow before;
  std::optional<storage::RecipientRow> after;
};

/// The recipients of the mail that the operation would change. The filter has let the mail through; where it names
/// a recipient or a domain rather than the mail, only those are meant.
[[nodiscard]] std::vector<RowChange> plan_operation(Operation operation, const Listed& listed, std::string_view filter,
                                                    TimePoint now);
/// The mail as Queue::apply tells of it when these changes are committed.
[[nodiscard]] Listed after(const Listed& listed, const std::vector<RowChange>& changes);
/// The unit of these changes of one mail, with its story part.
[[nodiscard]] storage::Unit unit_for(Operation operation, const std::vector<RowChange>& changes, std::string_view by,
                                     TimePoint now);

}  // namespace posthorn::queue
