#include "platform/storage/log_vfs.h"

#include <algorithm>
#include <atomic>
#include <string>

#include <sqlite3.h>

#include "foundation/base/bytes.h"
#include "platform/storage/database.h"

namespace posthorn::storage {
namespace {

// Octets kept at most: a group of a few messages. What a larger one appends is written in parts of this size.
constexpr std::size_t gathered_octets_max = 1 * MiB;

// SQLite's unix VFS takes a write as a number of 17 bits; whole pages below that.
constexpr std::size_t write_octets_max = 124 * KiB;

/// The write-ahead log, opened. SQLite allocates it; the file below stands behind it in the same memory.
struct Log {
  sqlite3_file base;
  sqlite3_file* below;
  std::string* gathered;
  sqlite3_int64 begin;  // where the gathered octets belong
};

constexpr std::size_t below_offset = (sizeof(Log) + 15) / 16 * 16;

Log& log_of(sqlite3_file* file) {
  return *reinterpret_cast<Log*>(file);
}

/// Also after a failure nothing is kept: SQLite rolls back, and writes the next transaction to the same place.
int write_out(Log& log) {
  const std::string& gathered = *log.gathered;
  int result = SQLITE_OK;
  for (std::size_t done = 0; done < gathered.size() && result == SQLITE_OK; done += write_octets_max) {
    const std::size_t size = std::min(write_octets_max, gathered.size() - done);
    const auto at = log.begin + static_cast<sqlite3_int64>(done);
    result = log.below->pMethods->xWrite(log.below, gathered.data() + done, static_cast<int>(size), at);
  }
  log.gathered->clear();
  return result;
}

int log_close(sqlite3_file* file) {
  Log& log = log_of(file);
  // Frames that no sync has followed belong to no commit.
  delete log.gathered;
  return log.below->pMethods->xClose(log.below);
}

int log_read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  Log& log = log_of(file);
  if (const int result = write_out(log); result != SQLITE_OK) return result;
  return log.below->pMethods->xRead(log.below, to, count, offset);
}

int log_write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  Log& log = log_of(file);
  std::string& gathered = *log.gathered;
  const auto size = static_cast<std::size_t>(count);
  const bool follows = !gathered.empty() && offset == log.begin + static_cast<sqlite3_int64>(gathered.size());
  if (!follows || gathered.size() + size > gathered_octets_max) {
    if (const int result = write_out(log); result != SQLITE_OK) return result;
    log.begin = offset;
  }
  if (size > gathered_octets_max) return log.below->pMethods->xWrite(log.below, from, count, offset);
  gathered.append(static_cast<const char*>(from), size);
  return SQLITE_OK;
}

int log_truncate(sqlite3_file* file, sqlite3_int64 size) {
  Log& log = log_of(file);
  if (const int result = write_out(log); result != SQLITE_OK) return result;
  return log.below->pMethods->xTruncate(log.below, size);
}

int log_sync(sqlite3_file* file, int flags) {
  Log& log = log_of(file);
  if (const int result = write_out(log); result != SQLITE_OK) return result;
  return log.below->pMethods->xSync(log.below, flags);
}

int log_size(sqlite3_file* file, sqlite3_int64* size) {
  Log& log = log_of(file);
  if (const int result = write_out(log); result != SQLITE_OK) return result;
  return log.below->pMethods->xFileSize(log.below, size);
}

int log_lock(sqlite3_file* file, int level) {
  return log_of(file).below->pMethods->xLock(log_of(file).below, level);
}
int log_unlock(sqlite3_file* file, int level) {
  return log_of(file).below->pMethods->xUnlock(log_of(file).below, level);
}
int log_check_reserved(sqlite3_file* file, int* held) {
  return log_of(file).below->pMethods->xCheckReservedLock(log_of(file).below, held);
}
int log_control(sqlite3_file* file, int code, void* argument) {
  return log_of(file).below->pMethods->xFileControl(log_of(file).below, code, argument);
}
int log_sector_size(sqlite3_file* file) {
  return log_of(file).below->pMethods->xSectorSize(log_of(file).below);
}
int log_characteristics(sqlite3_file* file) {
  return log_of(file).below->pMethods->xDeviceCharacteristics(log_of(file).below);
}

// Version 1: shared memory and mapping are the database file's, never the log's.
constexpr sqlite3_io_methods log_methods = {1,
                                            log_close,
                                            log_read,
                                            log_write,
                                            log_truncate,
                                            log_sync,
                                            log_size,
                                            log_lock,
                                            log_unlock,
                                            log_check_reserved,
                                            log_control,
                                            log_sector_size,
                                            log_characteristics,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr};

sqlite3_vfs* below_of(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

/// Any file but the log is the file below itself.
int log_vfs_open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  sqlite3_vfs* below = below_of(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, name, file, flags, flags_out);
  file->pMethods = nullptr;
  auto* opened = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + below_offset);
  const int result = below->xOpen(below, name, opened, flags, flags_out);
  if (opened->pMethods == nullptr) return result;
  if (result != SQLITE_OK) {
    opened->pMethods->xClose(opened);
    return result;
  }
  std::construct_at(&log_of(file), Log{{&log_methods}, opened, new std::string, 0});
  return SQLITE_OK;
}

}  // namespace

class LogWriteVfs::State {
 public:
  std::string name;
  sqlite3_vfs vfs{};
};

LogWriteVfs::LogWriteVfs(const char* below_name) : state_(std::make_unique<State>()) {
  static std::atomic<int> number{0};
  state_->name = "posthorn-log-" + std::to_string(++number);
  begin_sqlite();
  sqlite3_vfs* below = sqlite3_vfs_find(below_name);
  // Everything but opening is the VFS below's own business; its functions find themselves by what they are given, so
  // its pointers are called through, not copied.
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = static_cast<int>(below_offset) + below->szOsFile;
  vfs.mxPathname = below->mxPathname;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = below;
  vfs.xOpen = log_vfs_open;
  vfs.xDelete = [](sqlite3_vfs* v, const char* name, int sync) {
    return below_of(v)->xDelete(below_of(v), name, sync);
  };
  vfs.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* result) {
    return below_of(v)->xAccess(below_of(v), name, flags, result);
  };
  vfs.xFullPathname = [](sqlite3_vfs* v, const char* name, int size, char* to) {
    return below_of(v)->xFullPathname(below_of(v), name, size, to);
  };
  vfs.xRandomness = [](sqlite3_vfs* v, int count, char* to) {
    return below_of(v)->xRandomness(below_of(v), count, to);
  };
  vfs.xSleep = [](sqlite3_vfs* v, int micros) { return below_of(v)->xSleep(below_of(v), micros); };
  vfs.xCurrentTime = [](sqlite3_vfs* v, double* now) { return below_of(v)->xCurrentTime(below_of(v), now); };
  vfs.xGetLastError = [](sqlite3_vfs* v, int size, char* to) {
    return below_of(v)->xGetLastError(below_of(v), size, to);
  };
  sqlite3_vfs_register(&vfs, 0);
}

LogWriteVfs::~LogWriteVfs() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const char* LogWriteVfs::name() const {
  return state_->name.c_str();
}

}  // namespace posthorn::storage
