// What must be done before a store's folder can be used.
#pragma once

#include "platform/disk/segments.h"
#include "platform/storage/database.h"
#include "platform/storage/store.h"

namespace posthorn::storage {

[[nodiscard]] disk::FileLayer& files_of(const StoreOptions& options);
/// The folder is there (or made, where `options.create` says so) and nobody else has it.
[[nodiscard]] Result<std::unique_ptr<disk::FileLayer::Lock>, Problem> lock_folder(const StoreOptions& options);
/// The database is Posthorn's, of the present version, and says that its pages have sums. Throws DatabaseError.
[[nodiscard]] Result<void, Problem> check_version(const StoreOptions& options, const Database& database);
/// The database is there, whole, and of the present version; an empty one is made where asked.
[[nodiscard]] Result<void, Problem> prepare_database(const StoreOptions& options);
/// Removes what no row names, cuts what stands behind the last named record, and tells the segments where to go on.
void sweep(const Database& database, disk::SegmentFiles& segments, std::uint64_t segment_octets_max);

}  // namespace posthorn::storage
