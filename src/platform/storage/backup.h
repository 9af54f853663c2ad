// Backup while running, and restore. Store::backup() makes the copy: the database in one snapshot, then the closed
// segments and message files linked (copied where the backup is on another file system), the open segment copied;
// reclaim is paused meanwhile. What keys seal the store (the keyring's sealing key) is not in it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "foundation/base/result.h"
#include "platform/storage/verify.h"

namespace posthorn::storage {

struct StoreOptions;  // store.h

struct BackupReport {
  std::uint64_t contents = 0;
  std::uint64_t octets = 0;        ///< of all files of the backup
  std::uint64_t linked_files = 0;  ///< shared with the store by hard links
  std::uint64_t copied_files = 0;
  std::uint64_t damaged_pages = 0;  ///< of the database, without their checksum: copied as they are
};

struct RestoreReport {
  VerifyReport verified;
  std::uint64_t mailboxes = 0;        ///< each with a new UIDVALIDITY
  std::uint64_t repaired_pages = 0;   ///< in which one octet had changed: it is what it was again
  std::uint64_t held_recipients = 0;  ///< brought back on hold: they may have been relayed since
};

/// Backs up a store that no process holds (it is locked meanwhile), also one that cannot be served, as far as its
/// tables can be found.
[[nodiscard]] Result<BackupReport, Problem> backup_folder(const StoreOptions& options, const std::filesystem::path& to);

/// Makes a store in options.dir, which must not exist or be empty, from the backup in `from`: verifies the backup
/// (a damaged one is refused unless `accept_damage`), copies it, repairs of the copy's database what its checksums tell
/// and takes for right what they do not, gives every mailbox a new UIDVALIDITY (the POP3
/// UIDL is the EmailId, so it stays) and puts the queue on hold.
[[nodiscard]] Result<RestoreReport, Problem> restore(const std::filesystem::path& from, const StoreOptions& options,
                                                     bool accept_damage = false);

}  // namespace posthorn::storage
