#include "platform/disk/log_vfs.h"

#include <algorithm>

#include "foundation/base/bytes.h"

namespace posthorn::disk {
namespace {

// Octets kept at most: a group of a few messages. What a larger one appends is written in parts of this size.
constexpr std::size_t gathered_octets_max = 1 * MiB;

// SQLite's unix VFS takes a write as a number of 17 bits; whole pages below that.
constexpr std::size_t write_octets_max = 124 * KiB;

/// The write-ahead log, opened.
struct Log {
  OverlayFile overlay;
  std::string* gathered;
  sqlite3_int64 begin;  // where the gathered octets belong
};

Log& log_of(sqlite3_file* file) {
  return *reinterpret_cast<Log*>(file);
}

/// Also after a failure nothing is kept: SQLite rolls back, and writes the next transaction to the same place.
int write_out(sqlite3_file* file) {
  Log& log = log_of(file);
  const std::string& gathered = *log.gathered;
  int result = SQLITE_OK;
  for (std::size_t done = 0; done < gathered.size() && result == SQLITE_OK; done += write_octets_max) {
    const std::size_t size = std::min(write_octets_max, gathered.size() - done);
    const auto at = log.begin + static_cast<sqlite3_int64>(done);
    result = call_below<&sqlite3_io_methods::xWrite>(file, gathered.data() + done, static_cast<int>(size), at);
  }
  log.gathered->clear();
  return result;
}

int log_close(sqlite3_file* file) {
  // Frames that no sync has followed belong to no commit.
  delete log_of(file).gathered;
  return call_below<&sqlite3_io_methods::xClose>(file);
}

int log_read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  if (const int result = write_out(file); result != SQLITE_OK) return result;
  return call_below<&sqlite3_io_methods::xRead>(file, to, count, offset);
}

int log_write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  Log& log = log_of(file);
  std::string& gathered = *log.gathered;
  const auto size = static_cast<std::size_t>(count);
  const bool follows = !gathered.empty() && offset == log.begin + static_cast<sqlite3_int64>(gathered.size());
  if (!follows || gathered.size() + size > gathered_octets_max) {
    if (const int result = write_out(file); result != SQLITE_OK) return result;
    log.begin = offset;
  }
  if (size > gathered_octets_max) return call_below<&sqlite3_io_methods::xWrite>(file, from, count, offset);
  gathered.append(static_cast<const char*>(from), size);
  return SQLITE_OK;
}

int log_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int result = write_out(file); result != SQLITE_OK) return result;
  return call_below<&sqlite3_io_methods::xTruncate>(file, size);
}

int log_sync(sqlite3_file* file, int flags) {
  if (const int result = write_out(file); result != SQLITE_OK) return result;
  return call_below<&sqlite3_io_methods::xSync>(file, flags);
}

int log_size(sqlite3_file* file, sqlite3_int64* size) {
  if (const int result = write_out(file); result != SQLITE_OK) return result;
  return call_below<&sqlite3_io_methods::xFileSize>(file, size);
}

const sqlite3_io_methods log_methods = [] {
  // Version 1: shared memory and mapping are the database file's, never the log's.
  sqlite3_io_methods methods = forwarding_methods(1);
  methods.xClose = log_close;
  methods.xRead = log_read;
  methods.xWrite = log_write;
  methods.xTruncate = log_truncate;
  methods.xSync = log_sync;
  methods.xFileSize = log_size;
  return methods;
}();

Log log_over(sqlite3_file* opened) {
  return Log{{{&log_methods}, opened}, new std::string, 0};
}

}  // namespace

LogWriteVfs::LogWriteVfs(const char* below)
    : vfs_("log", below, open_overlay<SQLITE_OPEN_WAL, Log, log_over>, sizeof(Log)) {}

}  // namespace posthorn::disk
