// SQLite in this process: what must be said to it once, before a VFS is registered or a database opened.
#pragma once

namespace posthorn::disk {

/// Sets SQLite up for this process, before anything else of it is called. Again it does nothing. Thread-safe.
void begin_sqlite();

}  // namespace posthorn::disk
