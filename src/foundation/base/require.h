// require(): what must hold unless the program itself is wrong: a pump that answers what was not asked, a machine that
// is fed out of turn. Stays in release builds, for what would come after is worse than the end (STYLE: assertions for
// programmer errors). Never for what a peer can cause: that is a value.
#pragma once

#include <string_view>

namespace posthorn {

/// Ends the process with "posthorn: WHO: WHAT" on standard error where it does not hold.
void require(bool holds, std::string_view who, std::string_view what);

}  // namespace posthorn
