#include "platform/storage/verify.h"

#include <sqlite3.h>

#include "platform/storage/open.h"
#include "platform/storage/schema.h"
#include "platform/storage/verification.h"

namespace posthorn::storage {

Result<VerifyReport, Problem> verify_folder(const StoreOptions& options) {
  auto lock = lock_folder(options);
  if (!lock) return fail(lock.error());
  try {
    const disk::Layout layout{options.dir};
    disk::FileLayer& files = files_of(options);
    disk::PageNotes notes;
    const Database database(layout.database(), DatabaseMode::read_write, files.vfs_name());
    disk::note_damaged_pages(database.handle(), &notes);
    // The log stays as it is: closing the last connection would move it into the database.
    sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // First of all: with it SQLite opens a file that was cut short, and fails only where it needs the pages that are
    // gone.
    database.execute("PRAGMA writable_schema=ON");
    configure_connection(database, false);
    if (is_empty(database)) {
      VerifyReport report;
      report.damages.push_back({DamageKind::database, "posthorn.db is empty: every message is touched", {}, {}, {}});
      return report;
    }
    disk::SegmentFiles segments(files, layout, options.segment_file_octets_max);
    return Verification(database, notes, segments).run();
  } catch (const DatabaseError& error) {
    VerifyReport report;
    report.damages.push_back(
        {DamageKind::database,
         fmt::format("posthorn.db cannot be read any further, so any message may be touched: {}", error.what()),
         {},
         {},
         {}});
    return report;
  }
}

}  // namespace posthorn::storage
