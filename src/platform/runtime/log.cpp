#include "platform/runtime/log.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "foundation/codec/json_string.h"

namespace posthorn::runtime {
namespace {

constexpr std::string_view name_of(LogLevel level) {
  constexpr std::array<std::string_view, 5> kNames{"debug", "info", "warning", "error", "off"};
  return kNames[static_cast<std::size_t>(level)];
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

struct AppendValue {
  std::string& out;
  bool json;
  void operator()(std::string_view text) const {
    if (!json && is_plain(text)) {
      out += text;
    } else {
      codec::append_json_string(out, text);
    }
  }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  template <class Number>
  void operator()(Number value) const {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
};

void append(std::string& out, LogFormat format, std::string_view key, const LogField::Value& value) {
  const bool json = format == LogFormat::json;
  const bool first = json ? out == "{" : out.empty();
  if (!first) out += json ? ',' : ' ';
  if (json) {
    codec::append_json_string(out, key);
    out += ':';
  } else {
    out += key;
    out += '=';
  }
  std::visit(AppendValue{out, json}, value);
}

void write_line(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const ssize_t done = ::write(descriptor, line.data(), line.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // nowhere to complain
    line.remove_prefix(static_cast<std::size_t>(done));
  }
}

/// A log file that can be opened again after rotation.
class LogFile {
 public:
  explicit LogFile(std::filesystem::path path) : path_(std::move(path)), descriptor_(open_it()) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  void write(std::string_view line) {
    const std::lock_guard lock(mutex_);
    write_line(descriptor_, line);
  }
  /// Keeps the old one where the new one cannot be opened.
  void reopen() {
    const int fresh = open_it();
    if (fresh < 0) return;
    const std::lock_guard lock(mutex_);
    ::close(std::exchange(descriptor_, fresh));
  }

 private:
  [[nodiscard]] int open_it() const { return ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640); }
  std::filesystem::path path_;
  std::mutex mutex_;
  int descriptor_;
};

}  // namespace

struct Logger::Shared {
  const Clock& clock;
  Sink sink;
  std::atomic<LogLevel> level;
  LogFormat format;
  std::function<void()> reopen;
};

Logger::Logger(const Clock& clock, Sink sink, LogLevel level, LogFormat format)
    : shared_(new Shared{clock, std::move(sink), level, format, {}}) {}

Logger Logger::to_stderr(const Clock& clock, LogLevel level, LogFormat format) {
  return Logger(clock, [](std::string_view line) { write_line(STDERR_FILENO, line); }, level, format);
}

Result<Logger, Problem> Logger::to_file(const Clock& clock, const std::filesystem::path& path, LogLevel level,
                                        LogFormat format) {
  auto file = std::make_shared<LogFile>(path);
  if (!file->is_open()) {
    return fail(Problem{ProblemKind::unavailable, "cannot open the log " + path.string(), std::strerror(errno),
                        "give log.file a path this user may write"});
  }
  Logger logger(clock, [file](std::string_view line) { file->write(line); }, level, format);
  logger.shared_->reopen = [file] { file->reopen(); };
  return logger;
}

Logger Logger::for_session(SessionId session) const {
  Logger copy = *this;
  copy.session_ = session;
  return copy;
}

bool Logger::enabled(LogLevel level) const {
  return shared_ && level >= shared_->level.load(std::memory_order_relaxed);
}

void Logger::set_level(LogLevel level) const {
  if (shared_) shared_->level.store(level, std::memory_order_relaxed);
}

void Logger::reopen() const {
  if (shared_ && shared_->reopen) shared_->reopen();
}

void Logger::write(LogLevel level, std::string_view event, LogFields fields) const {
  if (!enabled(level)) return;
  thread_local std::string line;
  const LogFormat format = shared_->format;
  line = format == LogFormat::json ? "{" : "";
  append(line, format, "time", rfc3339(shared_->clock.now(), true));
  append(line, format, "level", name_of(level));
  append(line, format, "event", event);
  if (!session_.is_null()) append(line, format, "session", session_.text());
  for (const LogField& field : fields) append(line, format, field.key, field.value);
  line += format == LogFormat::json ? "}\n" : "\n";
  shared_->sink(line);
}

}  // namespace posthorn::runtime
