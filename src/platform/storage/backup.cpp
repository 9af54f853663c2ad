#include "platform/storage/backup.h"

#include <sqlite3.h>

#include "platform/disk/copy.h"
#include "platform/disk/page_repair.h"
#include "platform/storage/counters.h"
#include "platform/storage/local_store.h"
#include "platform/storage/open.h"
#include "platform/storage/schema.h"
#include "platform/storage/verification.h"

namespace posthorn::storage {
namespace {

constexpr const char* look_at_it = "look at the folder's mode and at the disk, or name another folder";

Problem cannot(std::string what, std::string why, std::string remedy = look_at_it) {
  return Problem{ProblemKind::unavailable, std::move(what), std::move(why), std::move(remedy)};
}

/// An empty folder with the store's folders in it.
Result<void, Problem> make_empty(disk::FileLayer& files, const disk::Layout& layout, std::string_view remedy) {
  const std::string what = "cannot use the folder " + layout.dir.string();
  for (const std::string& name : files.list(layout.dir)) {
    const bool ours = name == "segments" || name == "messages";
    if (!ours || !files.list(layout.dir / name).empty()) {
      return fail(Problem{ProblemKind::usage, what, "it is not empty", std::string(remedy)});
    }
  }
  for (const auto& folder : {layout.dir, layout.segments(), layout.messages()}) {
    if (auto made = files.make_folder(folder); !made) return fail(cannot(what, std::strerror(made.error().code)));
  }
  return {};
}

/// Opened to be read as it is, from its first page on.
struct DamagedDatabase {
  explicit DamagedDatabase(const StoreOptions& options)
      : database(disk::Layout{options.dir}.database(), DatabaseMode::read_write, files_of(options).vfs_name()) {
    disk::note_damaged_pages(database.handle(), &notes);
    configure_connection(database, false);
  }

  disk::PageNotes notes;
  Database database;
};

/// Every page in one step: one state of the database, whatever is committed meanwhile. Damaged ones are copied as they
/// are; answers how many.
std::size_t copy_database(const DamagedDatabase& source, const Database& to, disk::FileLayer& files,
                          const disk::Layout& target) {
  const Database& from = source.database;
  const disk::PageNotes& damaged = source.notes;
  disk::leave_room_for_page_sums(to.handle());
  sqlite3_backup* copy = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (copy != nullptr) {
    sqlite3_backup_step(copy, -1);
    sqlite3_backup_finish(copy);
  }
  const int code = sqlite3_errcode(to.handle());
  if (code != SQLITE_OK) throw DatabaseError(code, sqlite3_system_errno(to.handle()), sqlite3_errmsg(to.handle()));
  // One file without a log beside it.
  to.execute("PRAGMA journal_mode=DELETE");
  if (damaged.pages().empty()) return 0;
  const auto file = files.open(target.database(), disk::OpenMode::read_write);
  const auto kept =
      file ? disk::keep_damage(**file, damaged.pages()) : Result<void, disk::FileError>(fail(file.error()));
  if (!kept) throw DatabaseError(SQLITE_IOERR, kept.error().code, std::strerror(kept.error().code));
  return damaged.pages().size();
}

/// Fills a backup's folders from what its database names.
class FileCopier {
 public:
  FileCopier(disk::FileLayer& files, disk::Layout from, disk::Layout to, bool may_link)
      : files_(files), from_(std::move(from)), to_(std::move(to)), may_link_(may_link) {}

  /// `open_segment`: still growing, so never linked.
  [[nodiscard]] Result<void, disk::FileError> run(const Database& database, std::uint64_t open_segment) {
    Statement segments = database.prepare("SELECT id, octets FROM segments");
    segments.with();
    while (segments.step()) {
      const std::uint64_t id = segments.natural(0);
      const bool link = may_link_ && id != open_segment;
      if (auto done = one(from_.segment(id), to_.segment(id), segments.natural(1), link); !done) return done;
    }
    Statement messages = database.prepare("SELECT id, size FROM contents WHERE place = 2");
    messages.with();
    while (messages.step()) {
      const MailId id{messages.natural(0)};
      if (auto done = one(from_.message(id), to_.message(id), messages.natural(1), may_link_); !done) return done;
    }
    for (const auto& folder : {to_.segments(), to_.messages(), to_.dir}) {
      if (auto synced = files_.sync_folder(folder); !synced) return synced;
    }
    return {};
  }

  BackupReport report;

 private:
  [[nodiscard]] Result<void, disk::FileError> one(const std::filesystem::path& from, const std::filesystem::path& to,
                                                  std::uint64_t octets, bool link) {
    report.octets += octets;
    if (link && files_.link(from, to)) {
      ++report.linked_files;
      return {};
    }
    const auto copied = disk::copy_file(files_, from, to, octets);
    if (!copied) {
      // A file that is gone is a damage of the store; verify names its messages. The backup keeps the rest.
      if (copied.error().code == ENOENT) return {};
      return fail(copied.error());
    }
    ++report.copied_files;
    return {};
  }

  disk::FileLayer& files_;
  disk::Layout from_;
  disk::Layout to_;
  bool may_link_;
};

/// New UIDVALIDITY everywhere, the queue on hold.
void renew(const Database& database, std::int64_t now_seconds, RestoreReport& report) {
  database.execute("BEGIN IMMEDIATE");
  std::vector<std::pair<std::int64_t, std::int64_t>> mailboxes;
  Statement rows = database.prepare("SELECT account, id FROM mailboxes");
  rows.with();
  while (rows.step()) mailboxes.emplace_back(rows.integer(0), rows.integer(1));
  Counters counters(database);
  Statement change = database.prepare("UPDATE mailboxes SET uid_validity = ? WHERE account = ? AND id = ?");
  for (const auto& [account, id] : mailboxes) {
    change.with(counters.next("uid_validity", now_seconds), account, id).run();
  }
  report.mailboxes = mailboxes.size();
  database.execute("UPDATE recipients SET state = 1");
  report.held_recipients = static_cast<std::uint64_t>(database.integer("SELECT count(*) FROM recipients"));
  database.execute("COMMIT");
}

/// The damage was accepted: from here on what is there is what the store has. How many pages are what they were.
Result<std::uint64_t, disk::FileError> mend(disk::FileLayer& files, const std::filesystem::path& database) {
  const auto file = files.open(database, disk::OpenMode::read_write);
  if (!file) return fail(file.error());
  const auto repaired = disk::repair_pages(**file);
  if (!repaired) return fail(repaired.error());
  if (auto renewed = disk::renew_page_sums(**file); !renewed) return fail(renewed.error());
  return repaired->size();
}

/// An index that does not lead to its rows is made anew from them; where they do not allow it, it stays as it is.
void make_indexes_anew(const Database& database) {
  try {
    database.execute("REINDEX");
  } catch (const DatabaseError& error) {
    if (error.no_space()) throw;
  }
}

/// Everything but the database's final name.
Result<void, Problem> fill(const std::filesystem::path& from, const disk::Layout& layout,
                           const std::filesystem::path& draft, const StoreOptions& options, RestoreReport& report) {
  disk::FileLayer& files = files_of(options);
  const std::string what = "cannot restore into " + layout.dir.string();
  const auto copied = disk::copy_file(files, disk::Layout{from}.database(), draft);
  if (!copied) return fail(cannot(what, std::strerror(copied.error().code)));
  if (!report.verified.clean()) {
    const auto mended = mend(files, draft);
    if (!mended) return fail(cannot(what, std::strerror(mended.error().code)));
    report.repaired_pages = *mended;
  }
  const Database database(draft, DatabaseMode::read_write, files.vfs_name());
  configure_connection(database, true);
  if (!report.verified.clean()) make_indexes_anew(database);
  FileCopier copier(files, disk::Layout{from}, layout, false);
  if (auto done = copier.run(database, 0); !done) return fail(cannot(what, std::strerror(done.error().code)));
  const runtime::SystemClock machine_clock;
  const runtime::Clock& clock = options.clock != nullptr ? *options.clock : machine_clock;
  renew(database, unix_seconds(clock.now()), report);
  return {};
}

/// The backup cannot be read as one at all: an input of the wrong kind.
Problem no_backup(const std::filesystem::path& from, std::string why, std::string remedy) {
  return {ProblemKind::usage, "cannot restore from " + from.string(), std::move(why), std::move(remedy)};
}

Result<void, Problem> check_form(const std::filesystem::path& from, const Database& database) {
  if (is_empty(database) || database.integer("PRAGMA application_id") != application_id)
    return fail(no_backup(from, "its posthorn.db is not one of Posthorn's", "take another backup"));
  const int form = stored_schema_version(database);
  if (form == schema_version) return {};
  if (form > schema_version)
    return fail(no_backup(from, fmt::format("it has form {}, newer than this program's {}", form, schema_version),
                          "use the newer posthorn"));
  return fail(
      no_backup(from, fmt::format("it has the older form {}", form),
                "copy it, name the copy in store.dir, run `posthorn store migrate`, and restore from the copy"));
}

Result<VerifyReport, Problem> verify_backup(const std::filesystem::path& from, const StoreOptions& options) {
  disk::FileLayer& files = files_of(options);
  const disk::Layout layout{from};
  if (!files.exists(layout.database()))
    return fail(no_backup(from, "there is no backup in this folder", "name the folder that `posthorn backup` wrote"));
  try {
    disk::PageNotes notes;
    const Database database(layout.database(), DatabaseMode::immutable, files.vfs_name());
    disk::note_damaged_pages(database.handle(), &notes);
    if (auto checked = check_form(from, database); !checked) return fail(checked.error());
    disk::SegmentFiles segments(files, layout, options.segment_file_octets_max);
    return Verification(database, notes, segments).run();
  } catch (const DatabaseError& error) {
    return fail(
        no_backup(from, fmt::format("its posthorn.db cannot be read: {}", error.what()), "take another backup"));
  }
}

std::string cannot_back_up(const disk::Layout& target) {
  return "cannot back up to " + target.dir.string();
}

/// `open_segment`: nullopt where nothing is open, and the newest is the one that may grow again.
Result<BackupReport, Problem> copy_store(disk::FileLayer& files, const disk::Layout& layout,
                                         const DamagedDatabase& from, std::optional<std::uint64_t> open_segment,
                                         const disk::Layout& target) {
  disk::PageNotes damaged;
  const Database copy(target.database(), DatabaseMode::create, files.vfs_name());
  disk::note_damaged_pages(copy.handle(), &damaged);
  copy.execute("PRAGMA synchronous=FULL");
  FileCopier copier(files, layout, target, true);
  copier.report.damaged_pages = copy_database(from, copy, files, target);
  if (!open_segment) open_segment = static_cast<std::uint64_t>(copy.integer("SELECT max(id) FROM segments"));
  if (auto done = copier.run(copy, *open_segment); !done)
    return fail(cannot(cannot_back_up(target), std::strerror(done.error().code)));
  copier.report.contents = static_cast<std::uint64_t>(copy.integer("SELECT count(*) FROM contents"));
  copier.report.octets +=
      static_cast<std::uint64_t>(copy.integer("PRAGMA page_count") * copy.integer("PRAGMA page_size"));
  return copier.report;
}

}  // namespace

Result<BackupReport, Problem> LocalStore::backup(const std::filesystem::path& to) {
  const disk::Layout target{to};
  if (auto made = make_empty(files_, target, "name a new folder"); !made) return fail(made.error());
  const Housekeeper::Hold hold(*housekeeper_);
  std::uint64_t open_segment = 0;
  committer_->pause([&] { open_segment = segments_.open_segment(); });
  try {
    const DamagedDatabase from(options_);
    return copy_store(files_, layout_, from, open_segment, target);
  } catch (const DatabaseError& error) {
    return fail(cannot(cannot_back_up(target), error.what()));
  }
}

Result<BackupReport, Problem> backup_folder(const StoreOptions& options, const std::filesystem::path& to) {
  auto lock = lock_folder(options);
  if (!lock) return fail(lock.error());
  disk::FileLayer& files = files_of(options);
  const disk::Layout target{to};
  try {
    const DamagedDatabase from(options);
    if (auto checked = check_version(options, from.database); !checked) return fail(checked.error());
    if (auto made = make_empty(files, target, "name a new folder"); !made) return fail(made.error());
    return copy_store(files, disk::Layout{options.dir}, from, std::nullopt, target);
  } catch (const DatabaseError& error) {
    return fail(cannot("cannot back up the store " + options.dir.string(), error.what(),
                       "posthorn store verify --repair puts single octets back"));
  }
}

Result<VerifyReport, Problem> LocalStore::verify() {
  const Housekeeper::Hold hold(*housekeeper_);
  try {
    const DamagedDatabase from(options_);
    return Verification(from.database, from.notes, segments_).run();
  } catch (const DatabaseError& error) {
    return fail(cannot("cannot verify the store " + options_.dir.string(), error.what()));
  }
}

Result<RestoreReport, Problem> restore(const std::filesystem::path& from, const StoreOptions& options,
                                       bool accept_damage) {
  const disk::Layout layout{options.dir};
  disk::FileLayer& files = files_of(options);
  const std::filesystem::path draft = layout.dir / "restore.db";
  try {
    auto verified = verify_backup(from, options);
    if (!verified) return fail(verified.error());
    if (!verified->clean() && !accept_damage) {
      const std::string& first = verified->damages.front().what;
      return fail(Problem{ProblemKind::no, "cannot restore from " + from.string(),
                          fmt::format("the backup is damaged in {} place{}, the first: {}", verified->damages.size(),
                                      verified->damages.size() == 1 ? "" : "s", first.substr(0, first.find('\n'))),
                          "take another backup, or take what is whole of this one: --accept-damage"});
    }
    if (auto made = make_empty(files, layout, "stop the server, move that folder away, and restore again"); !made)
      return fail(made.error());
    RestoreReport report{std::move(*verified), 0, 0, 0};
    if (auto filled = fill(from, layout, draft, options, report); !filled) return fail(filled.error());
    // A restore that was cut short leaves no database under its name, so no store.
    Result<void, disk::FileError> named = files.link(draft, layout.database());
    if (named) named = files.remove(draft);
    if (named) named = files.sync_folder(layout.dir);
    if (!named) return fail(cannot("cannot restore into " + layout.dir.string(), std::strerror(named.error().code)));
    const Database database(layout.database(), DatabaseMode::read_write, files.vfs_name());
    database.execute("PRAGMA journal_mode=WAL");
    return report;
  } catch (const DatabaseError& error) {
    return fail(cannot("cannot restore from " + from.string(), error.what()));
  }
}

}  // namespace posthorn::storage
