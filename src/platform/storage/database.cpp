#include "platform/storage/database.h"

#include <cerrno>

#include <sqlite3.h>
#include <sys/stat.h>

#include "platform/disk/sqlite.h"

namespace posthorn::storage {
namespace {

// Readers never wait for the writer (WAL); this is for the short locks of opening, closing and recovery.
constexpr int busy_timeout_ms = 10'000;

[[noreturn]] void raise(sqlite3* connection, std::string_view doing) {
  const int code = connection != nullptr ? sqlite3_extended_errcode(connection) : SQLITE_NOMEM;
  const int system = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  const char* why = connection != nullptr ? sqlite3_errmsg(connection) : "out of memory";
  // What was read matters less than that it was read damaged (page_sums.h).
  if (code == SQLITE_IOERR_DATA) throw DatabaseError(code, system, "a page of posthorn.db does not have its checksum");
  throw DatabaseError(code, system, fmt::format("{}: {} (SQLite {})", doing, why, code));
}

/// SQLite makes files that others may read, and older stores have such ones. A new log takes over the database's mode.
void close_to_others(const std::filesystem::path& path) {
  for (const char* const suffix : {"", "-wal", "-shm"}) ::chmod((path.string() + suffix).c_str(), S_IRUSR | S_IWUSR);
}

/// https://www.sqlite.org/uri.html: "?", "#" and "%" of a path are escaped.
std::string immutable_uri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

bool DatabaseError::no_space() const {
  const bool io_error = (code & 0xff) == SQLITE_IOERR;
  return (code & 0xff) == SQLITE_FULL || (io_error && (system_code == ENOSPC || system_code == EDQUOT));
}

bool DatabaseError::damaged() const {
  return code == SQLITE_IOERR_DATA || (code & 0xff) == SQLITE_CORRUPT;
}

Statement::Statement(sqlite3* connection, std::string_view sql) {
  const int result = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &handle_, nullptr);
  if (result != SQLITE_OK) raise(connection, sql);
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

bool Statement::step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    sqlite3* connection = sqlite3_db_handle(handle_);
    raise(connection, sqlite3_sql(handle_));
  }
  sqlite3_reset(handle_);
  return false;
}

int Statement::run() {
  while (step()) {
  }
  return sqlite3_changes(sqlite3_db_handle(handle_));
}

void Statement::reset() {
  sqlite3_reset(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

Octets Statement::octets(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

void Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_, index, value);
}

void Statement::bind(int index, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int index, Blob blob) {
  const char* data = blob.octets.data() != nullptr ? blob.octets.data() : "";
  sqlite3_bind_blob64(handle_, index, data, blob.octets.size(), SQLITE_STATIC);
}

void Statement::bind(int index, std::nullptr_t) {
  sqlite3_bind_null(handle_, index);
}

Database::Database(const std::filesystem::path& path, DatabaseMode mode, const char* vfs) {
  disk::begin_sqlite();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  flags |= mode == DatabaseMode::immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
  if (mode == DatabaseMode::create) flags |= SQLITE_OPEN_CREATE;
  const std::string name = mode == DatabaseMode::immutable ? immutable_uri(path.string()) : path.string();
  if (sqlite3_open_v2(name.c_str(), &handle_, flags, vfs) != SQLITE_OK) {
    const DatabaseError error(handle_ != nullptr ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM,
                              handle_ != nullptr ? sqlite3_system_errno(handle_) : 0,
                              handle_ != nullptr ? sqlite3_errmsg(handle_) : "out of memory");
    sqlite3_close_v2(std::exchange(handle_, nullptr));
    throw error;
  }
  if (mode != DatabaseMode::immutable) close_to_others(path);
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, busy_timeout_ms);
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

void Database::execute(const char* sql) const {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) raise(handle_, sql);
}

std::int64_t Database::integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

}  // namespace posthorn::storage
