// Timeline: the steps of a road and what time alone brings about, in one calendar. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operations/transition/road.h"

namespace posthorn::transition {

enum class EventKind : std::uint8_t {
  act,      ///< do it now, or then
  safe,     ///< from then on something cannot hurt any more
  expires,  ///< a cache or a policy runs off
};
[[nodiscard]] std::string_view text(EventKind kind);

struct TimelineEvent {
  TimePoint at;
  EventKind kind = EventKind::act;
  std::string what;
  std::string why;
};

/// By time; at one time in the order of the road.
[[nodiscard]] std::vector<TimelineEvent> timeline_of(const Situation& situation, const Road& road);

}  // namespace posthorn::transition
