// What the SQLite VFSes of this room share that lay something over another VFS: one kind of file is theirs, everything
// else is the business of the VFS below.
#pragma once

#include <memory>
#include <string>

#include <sqlite3.h>

namespace posthorn::disk {

/// The beginning of an overlay's own kind of file. SQLite allocates it; the file below stands behind it in the same
/// memory.
struct OverlayFile {
  sqlite3_file base;
  sqlite3_file* below;
};

/// A method of the file below, called with what the overlay's own was called with.
template <auto Method, class... Arguments>
auto call_below(sqlite3_file* file, Arguments... arguments) {
  sqlite3_file* below = reinterpret_cast<OverlayFile*>(file)->below;
  return (below->pMethods->*Method)(below, arguments...);
}

/// Every method hands its call to the file below; an overlay replaces those it is about. Version 2 (shared memory, no
/// mapping); 1 for a file that is not a database.
[[nodiscard]] sqlite3_io_methods forwarding_methods(int version);

/// Registered with SQLite while it lives; connections over it must end before.
class OverlayVfs {
 public:
  /// Opens a file as sqlite3_vfs::xOpen does; `vfs` is this one.
  using Open = int (*)(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out);

  /// `kind` becomes a part of the name. `below`: the name of the VFS that does the work; nullptr: SQLite's own.
  /// `own_octets`: the size of the overlay's own file, which begins with an OverlayFile.
  OverlayVfs(std::string_view kind, const char* below, Open open, std::size_t own_octets);
  OverlayVfs(const OverlayVfs&) = delete;
  OverlayVfs& operator=(const OverlayVfs&) = delete;
  ~OverlayVfs();

  /// The name to open databases with; unique in the process.
  [[nodiscard]] const char* name() const { return name_.c_str(); }

  [[nodiscard]] static sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }
  /// For an Open: opens the file below, at its place behind the `own_octets` of `file`. Where it is opened `opened` is
  /// set, and `file` is still to be made.
  [[nodiscard]] static int open_below(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file,
                                      std::size_t own_octets, int flags, int* flags_out, sqlite3_file** opened);

 private:
  std::string name_;
  sqlite3_vfs vfs_{};
};

/// The Open of an overlay: a file of `kind` (SQLITE_OPEN_…) becomes an Own, made by `make` of the file below; any other
/// is the file below itself.
template <int kind, class Own, auto make>
int open_overlay(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  sqlite3_vfs* below = OverlayVfs::below(vfs);
  if ((flags & kind) == 0) return below->xOpen(below, name, file, flags, flags_out);
  sqlite3_file* opened = nullptr;
  const int result = OverlayVfs::open_below(vfs, name, file, sizeof(Own), flags, flags_out, &opened);
  if (opened != nullptr) std::construct_at(reinterpret_cast<Own*>(file), make(opened));
  return result;
}

}  // namespace posthorn::disk
