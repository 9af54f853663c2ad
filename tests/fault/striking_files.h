// StrikingFiles: the machine's files, until the n-th write, sync or removal, which is struck: the process is killed
// instead (before it, or with half of it written), or the call and those behind it fail with an errno value.
#pragma once

#include <atomic>

#include "platform/disk/file_layer.h"
#include "platform/disk/vfs.h"

namespace posthorn::storage::testing {

struct Strike {
  std::int64_t at = -1;   ///< counted from 0; -1: never
  int code = 0;           ///< 0: SIGKILL; else what fails with it, without doing anything
  std::int64_t many = 1;  ///< calls that fail, one after another
  bool syncs = true;      ///< else only writes are counted
};

class StrikingFiles final : public disk::FileLayer {
 public:
  explicit StrikingFiles(Strike strike) : strike_(strike), vfs_(*this) {}

  /// Calls counted so far; beyond Strike::at something was struck.
  [[nodiscard]] std::int64_t counted() const { return counted_.load(); }

  Result<std::unique_ptr<disk::File>, disk::FileError> open(const std::filesystem::path& path,
                                                            disk::OpenMode mode) override;
  Result<void, disk::FileError> remove(const std::filesystem::path& path) override;
  Result<void, disk::FileError> make_folder(const std::filesystem::path& path) override {
    return machine_.make_folder(path);
  }
  Result<void, disk::FileError> sync_folder(const std::filesystem::path& path) override;
  Result<void, disk::FileError> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return machine_.link(from, to);
  }
  std::vector<std::string> list(const std::filesystem::path& folder) override { return machine_.list(folder); }
  bool exists(const std::filesystem::path& path) override { return machine_.exists(path); }
  Result<std::uint64_t, disk::FileError> free_octets(const std::filesystem::path& path) override {
    return machine_.free_octets(path);
  }
  Result<std::unique_ptr<Lock>, std::string> lock(const std::filesystem::path& path) override {
    return machine_.lock(path);
  }
  const char* vfs_name() override { return vfs_.name(); }

 private:
  class Counted;
  enum class What : std::uint8_t { nothing, kill, error };
  [[nodiscard]] What count(bool is_sync);
  /// For calls that are done or not, never half.
  [[nodiscard]] Result<void, disk::FileError> whole(bool is_sync);

  const Strike strike_;
  std::atomic<std::int64_t> counted_{0};
  disk::FileLayer& machine_ = disk::machine_files();
  disk::LayeredVfs vfs_;
};

}  // namespace posthorn::storage::testing
