#include "platform/storage/open.h"

#include <map>

#include "platform/disk/layout.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

Problem cannot_open(const StoreOptions& options, ProblemKind kind, std::string why,
                    std::string remedy = "look at the folder's owner and mode, and at the disk") {
  return Problem{kind, "cannot open the store " + options.dir.string(), std::move(why), std::move(remedy)};
}

Result<void, Problem> make_folders(const StoreOptions& options) {
  disk::FileLayer& files = files_of(options);
  const disk::Layout layout{options.dir};
  const std::array<std::filesystem::path, 3> folders{layout.dir, layout.segments(), layout.messages()};
  for (const auto& folder : folders) {
    const auto made = files.make_folder(folder);
    if (!made) return fail(cannot_open(options, ProblemKind::unavailable, std::strerror(made.error().code)));
  }
  // The folders' own names are durable before anything in them counts.
  const std::filesystem::path parent = layout.dir.has_parent_path() ? layout.dir.parent_path() : ".";
  for (const auto& folder : {layout.dir, parent}) {
    const auto synced = files.sync_folder(folder);
    if (!synced) return fail(cannot_open(options, ProblemKind::unavailable, std::strerror(synced.error().code)));
  }
  return {};
}

constexpr const char* bring_back = "`posthorn restore` brings back a backup";

/// A folder where a store was has no new one made in it: the sweep at start would remove its messages.
Result<void, Problem> check_nothing_lies_here(const StoreOptions& options) {
  disk::FileLayer& files = files_of(options);
  const disk::Layout layout{options.dir};
  const bool messages = !files.list(layout.segments()).empty() || !files.list(layout.messages()).empty();
  if (!messages && !files.exists(layout.write_ahead_log())) return {};
  return fail(cannot_open(options, ProblemKind::unavailable,
                          "its database (posthorn.db) is gone, while what belongs to it is still there",
                          fmt::format("{}; a new store begins in an empty folder", bring_back)));
}

/// The database is made under another name, so that one that holds nothing is never a store that was just begun.
Result<void, Problem> make_database(const StoreOptions& options) {
  disk::FileLayer& files = files_of(options);
  const disk::Layout layout{options.dir};
  if (auto checked = check_nothing_lies_here(options); !checked) return checked;
  const std::filesystem::path draft = layout.dir / "new.db";
  for (const char* const end : {"", "-journal"}) {
    const std::filesystem::path left = draft.string() + end;
    if (files.exists(left)) static_cast<void>(files.remove(left));
  }
  {
    const Database database(draft, DatabaseMode::create, files.vfs_name());
    database.execute("PRAGMA synchronous=FULL");
    create_schema(database);
  }
  Result<void, disk::FileError> named = files.link(draft, layout.database());
  if (named) named = files.remove(draft);
  if (!named) return fail(cannot_open(options, ProblemKind::unavailable, std::strerror(named.error().code)));
  return {};
}

void sweep_messages(const Database& database, disk::SegmentFiles& segments) {
  Statement named = database.prepare("SELECT 1 FROM contents WHERE id = ? AND place = 2");
  for (const std::string& name : segments.files().list(segments.layout().messages())) {
    const auto id = disk::Layout::message_id(name);
    const bool keep = id && named.with(*id).step();
    named.reset();
    if (!keep) static_cast<void>(segments.files().remove(segments.layout().messages() / name));
  }
}

}  // namespace

disk::FileLayer& files_of(const StoreOptions& options) {
  return options.files != nullptr ? *options.files : disk::machine_files();
}

Result<void, Problem> check_version(const StoreOptions& options, const Database& database) {
  const int version = stored_schema_version(database);
  if (is_empty(database))
    return fail(cannot_open(options, ProblemKind::unavailable, "its database is empty", bring_back));
  if (database.integer("PRAGMA application_id") != application_id) {
    return fail(cannot_open(options, ProblemKind::usage, "its database is not one of Posthorn's",
                            "name the right folder in store.dir"));
  }
  if (version < schema_version) {
    return fail(cannot_open(options, ProblemKind::usage, fmt::format("it has the older form {}", version),
                            "run `posthorn store migrate` (after a backup)"));
  }
  if (version > schema_version) {
    return fail(cannot_open(options, ProblemKind::usage,
                            fmt::format("it has form {}, newer than this program's {}", version, schema_version),
                            "use the newer posthorn"));
  }
  if (!disk::has_page_sums(database.handle())) {
    return fail(cannot_open(
        options, ProblemKind::unavailable,
        "its first page does not say that pages have checksums: `posthorn store migrate` was "
        "interrupted, or the page is damaged",
        fmt::format("run `posthorn store verify --repair`, then `posthorn store migrate` again; {}", bring_back)));
  }
  return {};
}

Result<std::unique_ptr<disk::FileLayer::Lock>, Problem> lock_folder(const StoreOptions& options) {
  const disk::Layout layout{options.dir};
  disk::FileLayer& files = files_of(options);
  if (!options.create && !files.exists(layout.database())) {
    if (auto checked = check_nothing_lies_here(options); !checked) return fail(checked.error());
    return fail(cannot_open(options, ProblemKind::no, "there is no store in this folder",
                            "make one with `posthorn quickstart`, or name its folder in store.dir"));
  }
  if (options.create) {
    if (auto made = make_folders(options); !made) return fail(made.error());
  }
  auto lock = files.lock(layout.lock());
  if (!lock) {
    return fail(cannot_open(options, ProblemKind::unavailable, lock.error(), "stop that process, or ask it"));
  }
  return std::move(*lock);
}

Result<void, Problem> prepare_database(const StoreOptions& options) {
  try {
    const disk::Layout layout{options.dir};
    if (options.create && !files_of(options).exists(layout.database())) {
      if (auto made = make_database(options); !made) return made;
    }
    const Database database(layout.database(), DatabaseMode::read_write, files_of(options).vfs_name());
    configure_connection(database, true);
    if (auto checked = check_version(options, database); !checked) return checked;
    database.execute("PRAGMA journal_mode=WAL");
    if (auto synced = files_of(options).sync_folder(layout.dir); !synced) {
      return fail(cannot_open(options, ProblemKind::unavailable, std::strerror(synced.error().code)));
    }
    return {};
  } catch (const DatabaseError& error) {
    return fail(cannot_open(options, ProblemKind::unavailable, error.what(),
                            fmt::format("run `posthorn store verify --repair`; {}", bring_back)));
  }
}

void sweep(const Database& database, disk::SegmentFiles& segments, std::uint64_t segment_octets_max) {
  std::map<std::uint64_t, std::uint64_t> named;
  Statement rows = database.prepare("SELECT id, octets FROM segments");
  rows.with();
  while (rows.step()) named.emplace(rows.natural(0), rows.natural(1));
  std::uint64_t newest = named.empty() ? 0 : named.rbegin()->first;
  for (const std::string& name : segments.files().list(segments.layout().segments())) {
    const auto path = segments.layout().segments() / name;
    const auto id = disk::Layout::segment_id(name);
    newest = std::max(newest, id.value_or(0));
    if (!id || !named.contains(*id)) static_cast<void>(segments.files().remove(path));
  }
  segments.set_next_id(newest + 1);
  if (!named.empty() && named.rbegin()->second < segment_octets_max) {
    const auto [id, octets] = *named.rbegin();
    auto file = segments.files().open(segments.layout().segment(id), disk::OpenMode::read_write);
    // A segment that is shorter than its rows say is damaged: nothing is appended to it, verify names what it lost.
    const auto size = file ? (*file)->size() : Result<std::uint64_t, disk::FileError>(std::uint64_t{0});
    if (file && size && *size >= octets && (*file)->truncate(octets)) segments.resume(id, octets);
  }
  sweep_messages(database, segments);
}

}  // namespace posthorn::storage
