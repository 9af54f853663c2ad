// Repairing the database of a store that no process holds: octets that changed, one a page, are what they were again.
#pragma once

#include "foundation/base/result.h"
#include "platform/disk/page_repair.h"

namespace posthorn::storage {

struct StoreOptions;  // store.h

/// Puts back what the checksums of pages say (the folder is locked meanwhile) and answers which octets that were. What
/// else is damaged stays: verify_folder() tells it.
[[nodiscard]] Result<std::vector<disk::RepairedPage>, Problem> repair_folder(const StoreOptions& options);

}  // namespace posthorn::storage
