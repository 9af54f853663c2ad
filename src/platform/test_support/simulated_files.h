// SimulatedFiles: a disk in memory that can lose power, fill up and fail.
//
// Loss of power keeps any subset of what was not synced: of each file's sectors, of its length, of each folder's
// names; a seed chooses. power_loss() gives the disk as it is found afterwards and leaves this one as it is, so that
// one run of a store yields an image at every point one likes.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "platform/disk/file_layer.h"
#include "platform/disk/vfs.h"

namespace posthorn::disk::testing {

class SimulatedFiles final : public FileLayer {
 public:
  SimulatedFiles();

  /// What is found after the power went, with everything at rest.
  [[nodiscard]] std::unique_ptr<SimulatedFiles> power_loss(std::uint64_t seed) const;

  /// Called before and after every sync of a file or folder, on the thread that syncs, with no lock held. Returns when
  /// no call of the observer before is under way any more; not to be called by one.
  void on_sync(std::function<void()> observer);
  /// Octets that all files may take together; writes beyond give ENOSPC, after writing what still fits.
  void set_capacity(std::uint64_t octets);
  /// The n-th write or sync from now on (0: the next) and all later ones give this errno; -1: none does.
  void fail_from(std::int64_t n, int code);
  /// Writes and syncs so far.
  [[nodiscard]] std::uint64_t operations() const;
  /// A file's present octets, to look at or to damage. The path must exist.
  void edit(const std::filesystem::path& path, const std::function<void(std::string&)>& change);

  Result<std::unique_ptr<File>, FileError> open(const std::filesystem::path& path, OpenMode mode) override;
  Result<void, FileError> remove(const std::filesystem::path& path) override;
  Result<void, FileError> make_folder(const std::filesystem::path& path) override;
  Result<void, FileError> sync_folder(const std::filesystem::path& path) override;
  Result<void, FileError> link(const std::filesystem::path& from, const std::filesystem::path& to) override;
  std::vector<std::string> list(const std::filesystem::path& folder) override;
  bool exists(const std::filesystem::path& path) override;
  Result<std::uint64_t, FileError> free_octets(const std::filesystem::path& folder) override;
  Result<std::unique_ptr<Lock>, std::string> lock(const std::filesystem::path& path) override;
  const char* vfs_name() override { return vfs_.name(); }

 private:
  static constexpr std::size_t sector_octets = 512;

  struct Inode {
    std::string now;
    std::string synced;
    std::set<std::size_t> unsynced_sectors;
  };
  using InodePtr = std::shared_ptr<Inode>;
  struct NameChange {
    std::string path;
    InodePtr inode;  // null: removed
  };
  class OpenFile;
  class HeldLock;

  [[nodiscard]] Result<void, FileError> count_operation();  // with the mutex held
  void tell_observer();
  [[nodiscard]] std::uint64_t used() const;
  void set_name(const std::string& path, InodePtr inode);
  static InodePtr after_loss(const Inode& inode, std::mt19937_64& random);

  mutable std::mutex mutex_;
  std::map<std::string, InodePtr> names_;
  std::map<std::string, InodePtr> synced_names_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locks_;
  std::uint64_t capacity_ = ~std::uint64_t{0};
  std::uint64_t operations_ = 0;
  std::int64_t fail_after_ = -1;
  int fail_code_ = 0;
  std::function<void()> observer_;
  int observing_ = 0;  ///< calls of it under way
  std::condition_variable observed_;
  LayeredVfs vfs_;
};

}  // namespace posthorn::disk::testing
