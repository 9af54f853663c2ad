// LogWriteVfs: under the committer's SQLite connection, gathers what a commit appends to the write-ahead log and
// writes it at once.
//
// SQLite writes a frame as two calls, its header of 24 octets and its page, ten frames and more a message; under
// SQLite's own VFS each is a system call. Here they are kept until the sync that every commit ends with
// (synchronous=FULL), or until there are too many. Other connections look at a frame only after the commit has
// published it in the log's index, which SQLite does behind that sync; this connection's own reads of the log write
// out first. The order of writes and syncs that reach the disk is SQLite's.
#pragma once

#include "platform/disk/overlay_vfs.h"

namespace posthorn::disk {

/// Registered with SQLite while it lives; connections over it must end before.
class LogWriteVfs {
 public:
  /// `below`: the name of the VFS that does the work; nullptr: SQLite's own.
  explicit LogWriteVfs(const char* below);

  /// The name to open databases with; unique in the process.
  [[nodiscard]] const char* name() const { return vfs_.name(); }

 private:
  OverlayVfs vfs_;
};

}  // namespace posthorn::disk
