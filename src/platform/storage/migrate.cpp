#include "platform/storage/migrate.h"

#include <sqlite3.h>

#include "platform/disk/layout.h"
#include "platform/disk/page_repair.h"
#include "platform/storage/open.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

/// The copy that SQLite makes of a database meanwhile may be larger than memory, and than the disk of /var/tmp.
class TemporaryFilesIn {
 public:
  explicit TemporaryFilesIn(const StoreOptions& options) {
    sqlite3_temp_directory = sqlite3_mprintf("%s", options.dir.c_str());
  }
  TemporaryFilesIn(const TemporaryFilesIn&) = delete;
  TemporaryFilesIn& operator=(const TemporaryFilesIn&) = delete;
  ~TemporaryFilesIn() { sqlite3_free(std::exchange(sqlite3_temp_directory, nullptr)); }
};

/// A database that was given sums, and says so no longer, would be read with the wrong bounds and written anew so.
Result<void, Problem> check_first_page(const StoreOptions& options, const std::string& what) {
  const auto file = files_of(options).open(disk::Layout{options.dir}.database(), disk::OpenMode::read);
  const auto changed = file ? disk::first_page_changed(**file) : fail(file.error());
  if (changed && !*changed) return {};
  return fail(Problem{ProblemKind::unavailable, what,
                      changed ? "the first page of posthorn.db is damaged" : std::strerror(changed.error().code),
                      "run `posthorn store verify --repair`; `posthorn restore` brings back a backup"});
}

}  // namespace

Result<MigrateReport, Problem> migrate(const StoreOptions& options) {
  const std::string what = "cannot migrate the store " + options.dir.string();
  auto lock = lock_folder(options);
  if (!lock) return fail(lock.error());
  try {
    const disk::Layout layout{options.dir};
    if (auto checked = check_first_page(options, what); !checked) return fail(checked.error());
    const Database database(layout.database(), DatabaseMode::read_write, files_of(options).vfs_name());
    configure_connection(database, true);
    if (is_empty(database))
      return fail(
          Problem{ProblemKind::unavailable, what, "its database is empty", "`posthorn restore` brings back a backup"});
    const int from = stored_schema_version(database);
    if (database.integer("PRAGMA application_id") != application_id) {
      return fail(Problem{ProblemKind::usage, what, "its database is not one of Posthorn's",
                          "name the right folder in store.dir"});
    }
    if (from > schema_version) {
      return fail(Problem{ProblemKind::usage, what, fmt::format("it has form {}, newer than this program's", from),
                          "use the newer posthorn"});
    }
    if (from < schema_version) migrate_schema(database, from);
    if (!disk::has_page_sums(database.handle())) {
      const TemporaryFilesIn store_folder(options);
      if (options.files == nullptr) database.execute("PRAGMA temp_store=FILE");
      give_page_sums(database);
    }
    return MigrateReport{from, schema_version};
  } catch (const DatabaseError& error) {
    if (error.no_space())
      return fail(Problem{ProblemKind::unavailable, what, "the disk is full",
                          "make room for twice the size of posthorn.db beside it, and run it again"});
    return fail(Problem{ProblemKind::unavailable, what, error.what(),
                        "run `posthorn store verify`; `posthorn restore` brings back a backup"});
  }
}

}  // namespace posthorn::storage
