// The database's tables and how they change from version to version (PRAGMA user_version). docs/states/store.md
// explains them.
#pragma once

#include "platform/disk/page_sums.h"
#include "platform/storage/database.h"

namespace posthorn::storage {

inline constexpr int schema_version = 5;
/// From here on pages have checksums, and the rows of mailboxes say what their emails have; migrating counts them anew.
inline constexpr int checked_version = 5;
/// SQLite's application_id of our databases: "PHRN".
inline constexpr int application_id = 0x5048524e;

/// Pragmas of every connection; `writer` for the committer's and the checkpointer's.
void configure_connection(const Database& database, bool writer);
/// Makes an empty database of the present version, durable when this returns. The caller sets its journal mode.
void create_schema(const Database& database);
/// Nothing was ever made in it: a file that was cut short, say. SQLite opens it without a word.
[[nodiscard]] bool is_empty(const Database& database);
[[nodiscard]] int stored_schema_version(const Database& database);
/// Takes a database of this version one further; within a transaction of the caller's, or for tests without.
void run_schema_step(const Database& database, int version);
/// Brings an older version to the present one in one transaction.
void migrate_schema(const Database& database, int from);

/// Writes a database that was made before version 5 anew, so that its pages have checksums (page_sums.h). As safe from
/// a crash as any change; may be done again.
void give_page_sums(const Database& database);

}  // namespace posthorn::storage
