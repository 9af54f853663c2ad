// THREAD=REFERENCES (RFC 5256 3), behind thread.h. Linear but for the sorting; no recursion.
#pragma once

#include <vector>

#include "standards/imap/thread.h"

namespace posthorn::imap {

[[nodiscard]] ThreadTree thread_by_references(std::vector<ThreadKeys> messages);

}  // namespace posthorn::imap
