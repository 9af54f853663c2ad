// FileLayer: the files under segments, message files and (through vfs.h) SQLite. One implementation is the machine;
// the fault tests have one in memory that loses unsynced sectors, fills up and fails, and one that kills the process.
//
// Thread-safe. Errors are errno values; 0 is never an error. A sync that returned means: on stable storage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::disk {

/// An errno value.
struct FileError {
  int code = 0;
};

class File {
 public:
  virtual ~File() = default;  ///< closes

  /// Reads up to `into.size()` octets; less only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t, FileError> read_at(std::uint64_t offset, std::span<char> into) = 0;
  /// Writes all parts one after another, or says why not (some of them may then be written).
  [[nodiscard]] virtual Result<void, FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) = 0;
  [[nodiscard]] virtual Result<void, FileError> truncate(std::uint64_t size) = 0;
  /// Content and size are on stable storage; the name only after FileLayer::sync_folder.
  [[nodiscard]] virtual Result<void, FileError> sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t, FileError> size() = 0;
};

enum class OpenMode : std::uint8_t {
  read,        ///< must exist
  read_write,  ///< must exist
  create,      ///< read and write; made (mode 0600) where it is not there
  append,      ///< as create, for what is only appended to: the rest of a write's last block may become zeros
};

class FileLayer {
 public:
  virtual ~FileLayer() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<File>, FileError> open(const std::filesystem::path& path,
                                                                      OpenMode mode) = 0;
  [[nodiscard]] virtual Result<void, FileError> remove(const std::filesystem::path& path) = 0;
  [[nodiscard]] virtual Result<void, FileError> make_folder(const std::filesystem::path& path) = 0;
  /// The names in a folder become durable: files made, removed, linked.
  [[nodiscard]] virtual Result<void, FileError> sync_folder(const std::filesystem::path& path) = 0;
  /// A second name for a file; EXDEV across file systems.
  [[nodiscard]] virtual Result<void, FileError> link(const std::filesystem::path& from,
                                                     const std::filesystem::path& to) = 0;
  /// Names (not paths) of the files in a folder, in no order; empty where there is none.
  [[nodiscard]] virtual std::vector<std::string> list(const std::filesystem::path& folder) = 0;
  [[nodiscard]] virtual bool exists(const std::filesystem::path& path) = 0;
  /// Octets that this process may still write.
  [[nodiscard]] virtual Result<std::uint64_t, FileError> free_octets(const std::filesystem::path& folder) = 0;
  /// One holder per folder. On failure the error's text says who holds it ("pid 812"). Held until destroyed.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  [[nodiscard]] virtual Result<std::unique_ptr<Lock>, std::string> lock(const std::filesystem::path& path) = 0;

  /// The name of the SQLite VFS that goes with this layer; nullptr: SQLite's own for the machine.
  [[nodiscard]] virtual const char* vfs_name() = 0;
};

/// The machine's files.
[[nodiscard]] FileLayer& machine_files();

}  // namespace posthorn::disk
