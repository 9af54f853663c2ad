// The end of the process after a failed write or sync.
#pragma once

#include <string_view>

namespace posthorn::storage {

struct StoreOptions;

/// Says what happened, on the log and on standard error, and aborts: a second sync after a failed one may lie (the
/// kernel has dropped the pages), so only a restart, which reads what is on stable storage, tells the truth.
[[noreturn]] void end_process(const StoreOptions& options, std::string_view doing, std::string_view why);

}  // namespace posthorn::storage
