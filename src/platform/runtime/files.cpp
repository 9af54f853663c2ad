#include "platform/runtime/files.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthorn::runtime {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDIN_FILENO) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

std::unexpected<Problem> cannot(std::string_view verb, const std::filesystem::path& path) {
  const int error = errno;
  const bool wrong_path = error == ENOENT || error == EISDIR || error == ENOTDIR;
  return fail(Problem{wrong_path || error == EACCES ? ProblemKind::usage : ProblemKind::unavailable,
                      fmt::format("cannot {} {}", verb, path.string()), std::strerror(error),
                      wrong_path ? "check the path" : ""});
}

Result<OctetString, Problem> read_whole(int descriptor, const std::filesystem::path& path, std::size_t octets_max) {
  OctetString octets;
  std::array<char, 65536> piece;
  for (;;) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path);
    if (got == 0) return octets;
    octets.append(piece.data(), static_cast<std::size_t>(got));
    if (octets.size() > octets_max) {
      return fail(Problem{ProblemKind::usage, "cannot read " + path.string(),
                          fmt::format("it is longer than {} octets", octets_max), "check that it is the right file"});
    }
  }
}

bool write_whole(int descriptor, Octets octets) {
  while (!octets.empty()) {
    const ssize_t done = ::write(descriptor, octets.data(), octets.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

bool sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return descriptor.is_open() && ::fsync(descriptor.get()) == 0;
}

}  // namespace

Result<OctetString, Problem> read_file(const std::filesystem::path& path, std::size_t octets_max) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open()) return cannot("read", path);
  return read_whole(descriptor.get(), path, octets_max);
}

Result<OctetString, Problem> read_standard_input(std::size_t octets_max) {
  return read_whole(STDIN_FILENO, "standard input", octets_max);
}

Result<void, Problem> write_file_atomically(const std::filesystem::path& path, Octets octets, FileAccess access) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!descriptor.is_open()) return cannot("write", path);
  const ::mode_t mode = access == FileAccess::readable ? 0644 : 0600;
  const bool written = write_whole(descriptor.get(), octets) && ::fchmod(descriptor.get(), mode) == 0 &&
                       ::fsync(descriptor.get()) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    const auto problem = cannot("write", path);
    ::unlink(temporary.c_str());
    return problem;
  }
  if (!sync_folder(folder)) return cannot("sync the folder of", path);
  return {};
}

}  // namespace posthorn::runtime
