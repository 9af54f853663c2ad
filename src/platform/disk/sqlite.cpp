#include "platform/disk/sqlite.h"

#include <sqlite3.h>

namespace posthorn::disk {

void begin_sqlite() {
  static const bool begun = [] {
    // Its own count of memory takes a lock of the whole process with every allocation.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return sqlite3_initialize() == SQLITE_OK;
  }();
  static_cast<void>(begun);
}

}  // namespace posthorn::disk
