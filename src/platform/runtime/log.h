// Logger: one line an event, logfmt or JSON, with the session it belongs to. Cheap handle, copied freely;
// thread-safe. A line is written with one write(2), so lines of several threads do not mix.
//
// No secret is ever a field: passwords and tokens are masked where they are read (STYLE.md, Errors 20).
//
//   log.info("listening", {{"address", endpoint.text()}, {"service", "smtp"}});
//   → time=2026-11-22T00:00:00.000Z level=info event=listening address=127.0.0.1:25 service=smtp
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "foundation/base/id.h"
#include "foundation/base/result.h"
#include "platform/runtime/clock.h"

namespace posthorn::runtime {

enum class LogLevel : unsigned char { debug, info, warning, error, off };
enum class LogFormat : unsigned char { logfmt, json };

/// One key and value of a line. The text is not copied: a Field lives for one call.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  std::string_view key;
  Value value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  template <std::signed_integral N>
  LogField(std::string_view k, N v) : key(k), value(static_cast<std::int64_t>(v)) {}
  template <std::unsigned_integral N>
  LogField(std::string_view k, N v) : key(k), value(static_cast<std::uint64_t>(v)) {}
  template <std::floating_point N>
  LogField(std::string_view k, N v) : key(k), value(static_cast<double>(v)) {}
};
using LogFields = std::initializer_list<LogField>;

class Logger {
 public:
  /// Where lines go; called from any thread with one whole line, newline included.
  using Sink = std::function<void(std::string_view line)>;

  /// Logs nothing.
  Logger() = default;
  Logger(const Clock& clock, Sink sink, LogLevel level, LogFormat format);
  [[nodiscard]] static Logger to_stderr(const Clock& clock, LogLevel level, LogFormat format);
  /// Appends; made with mode 0640 where it does not exist.
  [[nodiscard]] static Result<Logger, Problem> to_file(const Clock& clock, const std::filesystem::path& path,
                                                       LogLevel level, LogFormat format);

  /// The same log, every line with `session=ID`.
  [[nodiscard]] Logger for_session(SessionId session) const;

  [[nodiscard]] bool enabled(LogLevel level) const;
  void set_level(LogLevel level) const;
  /// SIGHUP: closes and opens the file again, for log rotation. Nothing for other sinks.
  void reopen() const;

  /// `event` is a short literal in words: "connection refused".
  void write(LogLevel level, std::string_view event, LogFields fields = {}) const;
  void debug(std::string_view event, LogFields fields = {}) const { write(LogLevel::debug, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::info, event, fields); }
  void warning(std::string_view event, LogFields fields = {}) const { write(LogLevel::warning, event, fields); }
  void error(std::string_view event, LogFields fields = {}) const { write(LogLevel::error, event, fields); }

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  SessionId session_{};
};

}  // namespace posthorn::runtime
