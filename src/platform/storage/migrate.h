// Bringing a store of an older released version to the present one.
#pragma once

#include "foundation/base/result.h"

namespace posthorn::storage {

struct StoreOptions;  // store.h

struct MigrateReport {
  int from = 0;  ///< schema versions
  int to = 0;
};

/// Locks the folder and migrates in one transaction; nothing to do is fine (from == to). Store::open refuses older
/// stores with the remedy "posthorn store migrate", and newer ones.
[[nodiscard]] Result<MigrateReport, Problem> migrate(const StoreOptions& options);

}  // namespace posthorn::storage
