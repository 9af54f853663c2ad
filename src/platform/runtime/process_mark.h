// ProcessMark: names a process of this machine for good, so that what it held can be told from what another one with
// the same number holds later: boot, process-number space, number and start time.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::runtime {

/// This process's. Empty where the kernel does not tell (no /proc).
[[nodiscard]] std::string own_process_mark();

/// Whether the marked process has certainly ended: its machine has booted since, or its number is free or another's.
/// False where it runs, and where that cannot be seen from here (another space of process numbers, no /proc).
[[nodiscard]] bool has_ended(std::string_view mark);

}  // namespace posthorn::runtime
