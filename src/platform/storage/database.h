// A thin cover of SQLite for this room: connections, and statements that are prepared once and kept.
// An error is thrown as DatabaseError and never leaves the room's threads unhandled: the committer ends the process,
// a reader hands it to the coroutine that asked (whose session ends). One thread a connection.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/id.h"
#include "foundation/base/time.h"
#include "platform/storage/rows.h"

struct sqlite3;
struct sqlite3_stmt;

namespace posthorn::storage {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int sqlite_code, int system_errno, const std::string& text)
      : std::runtime_error(text), code(sqlite_code), system_code(system_errno) {}
  int code;         ///< extended result code
  int system_code;  ///< errno as far as SQLite knows it
  /// The disk (or the quota of its owner) is full.
  [[nodiscard]] bool no_space() const;
  /// A page that is not what was written, or a tree that cannot be.
  [[nodiscard]] bool damaged() const;
};

/// Octets that are bound as a BLOB (a string_view is bound as TEXT).
struct Blob {
  Octets octets;
};

class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* connection, std::string_view sql);
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Statement();

  /// Binds the parameters in order, from a fresh start. What is bound must live until the statement ends.
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  /// The next row; false (and reset) after the last.
  [[nodiscard]] bool step();
  /// All rows, each as `make` makes it of the statement.
  template <class Make>
  [[nodiscard]] auto rows(Make make) {
    std::vector<std::invoke_result_t<Make, const Statement&>> made;
    while (step()) made.push_back(make(*this));
    return made;
  }
  /// The first row, where there is one.
  template <class Make>
  [[nodiscard]] auto row(Make make) {
    std::optional<std::invoke_result_t<Make, const Statement&>> made;
    if (step()) made = make(*this);
    reset();
    return made;
  }
  /// Runs a statement that gives no rows; the number of rows it changed.
  int run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t natural(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] std::uint32_t small(int column) const { return static_cast<std::uint32_t>(integer(column)); }
  [[nodiscard]] bool is_null(int column) const;
  /// TEXT or BLOB; valid until the next step.
  [[nodiscard]] Octets octets(int column) const;
  [[nodiscard]] std::string text(int column) const { return std::string(octets(column)); }
  [[nodiscard]] TimePoint time(int column) const { return from_unix_micros(integer(column)); }

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, TimePoint value) { bind(index, unix_micros(value)); }
  template <class Tag>
  void bind(int index, Id<Tag> id) {
    bind(index, static_cast<std::int64_t>(id.value));
  }
  template <class Tag>
  void bind(int index, RowId<Tag> id) {
    bind(index, id.value);
  }
  void bind(int index, std::string_view text);
  void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
  void bind(int index, const char* text) { bind(index, std::string_view(text)); }
  void bind(int index, Blob blob);
  void bind(int index, std::nullptr_t);
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }

  sqlite3_stmt* handle_ = nullptr;
};

enum class DatabaseMode : std::uint8_t {
  create,
  read_write,
  immutable,  ///< nobody writes it, no log stands beside it: a backup. Makes no files.
};

class Database {
 public:
  Database() = default;
  /// `vfs`: nullptr for SQLite's own.
  Database(const std::filesystem::path& path, DatabaseMode mode, const char* vfs);
  Database(Database&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Database& operator=(Database&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Database();

  [[nodiscard]] Statement prepare(std::string_view sql) const { return Statement(handle_, sql); }
  /// Runs one or several statements without parameters.
  void execute(const char* sql) const;
  /// The first column of the first row of a query.
  [[nodiscard]] std::int64_t integer(std::string_view sql) const;
  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace posthorn::storage
