// The machine's files: thin wrappers that loop over short reads and writes.
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <mutex>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/disk/direct_file.h"
#include "platform/disk/file_layer.h"
#include "platform/disk/page_sums.h"
#include "platform/runtime/clock.h"

namespace posthorn::disk {
namespace {

std::unexpected<FileError> errno_error() {
  return fail(FileError{errno});
}

Result<void, FileError> answer(int result) {
  if (result != 0) return errno_error();
  return {};
}

/// Closes a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class MachineFile final : public File {
 public:
  explicit MachineFile(int fd) : fd_(fd) {}

  Result<std::size_t, FileError> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error();
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void, FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) override {
    std::vector<iovec> rest;
    rest.reserve(parts.size());
    for (const Octets part : parts) {
      if (!part.empty()) rest.push_back({const_cast<char*>(part.data()), part.size()});
    }
    std::span<iovec> left = rest;
    while (!left.empty()) {
      const int count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
      const ssize_t n = ::pwritev(fd_.get(), left.data(), count, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error();
      offset += static_cast<std::uint64_t>(n);
      drop_written(left, static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<void, FileError> truncate(std::uint64_t size) override {
    return answer(::ftruncate(fd_.get(), static_cast<off_t>(size)));
  }

  Result<void, FileError> sync() override { return answer(::fdatasync(fd_.get())); }

  Result<std::uint64_t, FileError> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return errno_error();
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  static void drop_written(std::span<iovec>& left, std::size_t n) {
    while (!left.empty() && n >= left.front().iov_len) {
      n -= left.front().iov_len;
      left = left.subspan(1);
    }
    if (n == 0) return;
    left.front().iov_base = static_cast<char*>(left.front().iov_base) + n;
    left.front().iov_len -= n;
  }

  Descriptor fd_;
};

class MachineLock final : public FileLayer::Lock {
 public:
  explicit MachineLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;  // flock ends with the descriptor
};

class MachineFiles final : public FileLayer {
 public:
  Result<std::unique_ptr<File>, FileError> open(const std::filesystem::path& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::create || mode == OpenMode::append) flags |= O_CREAT;
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return errno_error();
    std::unique_ptr<File> file = std::make_unique<MachineFile>(fd);
    if (mode != OpenMode::append) return file;
    // Not every file system has it (tmpfs): then through the cache.
    const int direct_fd = ::open(path.c_str(), O_CLOEXEC | O_WRONLY | O_DIRECT);
    if (direct_fd < 0) return file;
    return std::unique_ptr<File>(std::make_unique<DirectFile>(std::move(file), direct_fd));
  }

  Result<void, FileError> remove(const std::filesystem::path& path) override { return answer(::unlink(path.c_str())); }

  Result<void, FileError> make_folder(const std::filesystem::path& path) override {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno_error();
    return {};
  }

  Result<void, FileError> sync_folder(const std::filesystem::path& path) override {
    const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) return errno_error();
    return answer(::fsync(folder.get()));
  }

  Result<void, FileError> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return answer(::link(from.c_str(), to.c_str()));
  }

  std::vector<std::string> list(const std::filesystem::path& folder) override {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(folder.c_str()), ::closedir);
    if (!handle) return names;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    return names;
  }

  bool exists(const std::filesystem::path& path) override { return ::access(path.c_str(), F_OK) == 0; }

  /// Every group of commits asks. While there is plenty the answer of a moment ago will do.
  Result<std::uint64_t, FileError> free_octets(const std::filesystem::path& folder) override {
    const std::lock_guard lock(mutex_);
    const TimePoint now = clock_.now();
    if (folder == asked_ && free_ >= plenty_octets && now - asked_at_ < moment && now >= asked_at_) return free_;
    struct statvfs status{};
    if (::statvfs(folder.c_str(), &status) != 0) return errno_error();
    asked_ = folder;
    asked_at_ = now;
    free_ = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
    return free_;
  }

  Result<std::unique_ptr<Lock>, std::string> lock(const std::filesystem::path& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(std::string(std::strerror(errno)));
    auto held = std::make_unique<MachineLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail(holder(fd));
    const std::string pid = std::to_string(::getpid()) + "\n";
    // The pid is for messages only; failing to write it does no harm.
    if (::ftruncate(fd, 0) == 0) static_cast<void>(!::pwrite(fd, pid.data(), pid.size(), 0));
    return std::unique_ptr<Lock>(std::move(held));
  }

  /// SQLite's VFS for one process alone (https://www.sqlite.org/vfs.html 2.1): the folder's lock keeps others out
  /// anyway, and locks and the log's index stay in memory, where every commit and read would ask the kernel for them.
  const char* vfs_name() override { return page_sums_.name(); }

 private:
  // More than a disk takes in such a moment.
  static constexpr std::uint64_t plenty_octets = 4096 * MiB;
  static constexpr Duration moment = std::chrono::milliseconds(100);

  static std::string holder(int fd) {
    std::array<char, 24> text{};
    const ssize_t n = ::pread(fd, text.data(), text.size() - 1, 0);
    const long pid = n > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
    if (pid <= 0) return "another posthorn process holds it";
    return "another posthorn process holds it (pid " + std::to_string(pid) + ")";
  }

  const PageSumVfs page_sums_{"unix-excl"};
  const runtime::SystemClock clock_;
  std::mutex mutex_;
  std::filesystem::path asked_;
  TimePoint asked_at_;
  std::uint64_t free_ = 0;
};

}  // namespace

FileLayer& machine_files() {
  static MachineFiles files;
  return files;
}

}  // namespace posthorn::disk
