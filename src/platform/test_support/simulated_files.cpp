#include "platform/test_support/simulated_files.h"

#include <cerrno>
#include <random>

namespace posthorn::disk::testing {

class SimulatedFiles::OpenFile final : public File {
 public:
  OpenFile(SimulatedFiles& disk, InodePtr inode) : disk_(disk), inode_(std::move(inode)) {}

  Result<std::size_t, FileError> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::lock_guard guard(disk_.mutex_);
    if (offset >= inode_->now.size()) return std::size_t{0};
    const Octets found = Octets(inode_->now).substr(offset, into.size());
    std::ranges::copy(found, into.begin());
    return found.size();
  }

  Result<void, FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) override {
    const std::lock_guard guard(disk_.mutex_);
    if (auto failed = disk_.count_operation(); !failed) return failed;
    for (const Octets part : parts) {
      const std::uint64_t end = offset + part.size();
      const std::uint64_t growth = end > inode_->now.size() ? end - inode_->now.size() : 0;
      const std::uint64_t used = growth > 0 ? disk_.used() : 0;
      const std::uint64_t room = disk_.capacity_ > used ? disk_.capacity_ - used : 0;
      const std::uint64_t missing = growth > room ? growth - room : 0;
      put(offset, part.substr(0, part.size() - std::min<std::uint64_t>(missing, part.size())));
      if (missing > 0) return fail(FileError{ENOSPC});
      offset = end;
    }
    return {};
  }

  Result<void, FileError> truncate(std::uint64_t size) override {
    const std::lock_guard guard(disk_.mutex_);
    if (auto failed = disk_.count_operation(); !failed) return failed;
    for (std::size_t s = size / sector_octets; s <= inode_->now.size() / sector_octets; ++s) {
      inode_->unsynced_sectors.insert(s);
    }
    inode_->now.resize(size);
    return {};
  }

  Result<void, FileError> sync() override {
    disk_.tell_observer();
    {
      const std::lock_guard guard(disk_.mutex_);
      if (auto failed = disk_.count_operation(); !failed) return failed;
      inode_->synced.resize(inode_->now.size());
      for (const std::size_t sector : inode_->unsynced_sectors) copy_sector(inode_->now, inode_->synced, sector);
      inode_->unsynced_sectors.clear();
    }
    disk_.tell_observer();
    return {};
  }

  Result<std::uint64_t, FileError> size() override {
    const std::lock_guard guard(disk_.mutex_);
    return inode_->now.size();
  }

  static void copy_sector(const std::string& from, std::string& to, std::size_t sector) {
    const std::size_t begin = sector * sector_octets;
    const std::size_t end = std::min({begin + sector_octets, from.size(), to.size()});
    if (begin < end) std::copy(from.begin() + begin, from.begin() + end, to.begin() + begin);
  }

 private:
  void put(std::uint64_t offset, Octets octets) {
    if (octets.empty()) return;
    if (inode_->now.size() < offset + octets.size()) inode_->now.resize(offset + octets.size());
    std::ranges::copy(octets, inode_->now.begin() + static_cast<std::ptrdiff_t>(offset));
    for (std::size_t s = offset / sector_octets; s <= (offset + octets.size() - 1) / sector_octets; ++s) {
      inode_->unsynced_sectors.insert(s);
    }
  }

  SimulatedFiles& disk_;
  InodePtr inode_;
};

class SimulatedFiles::HeldLock final : public Lock {
 public:
  HeldLock(SimulatedFiles& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  ~HeldLock() override {
    const std::lock_guard guard(disk_.mutex_);
    disk_.locks_.erase(path_);
  }

 private:
  SimulatedFiles& disk_;
  std::string path_;
};

SimulatedFiles::SimulatedFiles() : vfs_(*this) {}

// ---------------------------------------------------------------- faults

SimulatedFiles::InodePtr SimulatedFiles::after_loss(const Inode& inode, std::mt19937_64& random) {
  auto found = std::make_shared<Inode>();
  // One draw decides how much of the unsynced part is kept: nothing, everything, or each sector by itself.
  const std::uint64_t manner = random() % 4;
  const auto keeps = [&] { return manner == 1 || (manner > 1 && random() % 2 == 0); };
  std::string& octets = found->now;
  octets = inode.synced;
  if (keeps()) octets.resize(inode.now.size());
  for (const std::size_t sector : inode.unsynced_sectors) {
    if (keeps()) OpenFile::copy_sector(inode.now, octets, sector);
  }
  found->synced = octets;
  return found;
}

std::unique_ptr<SimulatedFiles> SimulatedFiles::power_loss(std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  auto disk = std::make_unique<SimulatedFiles>();
  const std::lock_guard guard(mutex_);
  std::map<std::string, InodePtr> names = synced_names_;
  const std::uint64_t manner = random() % 3;
  for (const NameChange& change : unsynced_names_) {
    if (manner == 0 || (manner == 2 && random() % 2 == 0)) continue;
    if (change.inode) {
      names[change.path] = change.inode;
    } else {
      names.erase(change.path);
    }
  }
  std::map<const Inode*, InodePtr> copies;  // two names of one file stay one file
  for (const auto& [path, inode] : names) {
    InodePtr& copy = copies[inode.get()];
    if (!copy) copy = after_loss(*inode, random);
    disk->names_[path] = disk->synced_names_[path] = copy;
  }
  return disk;
}

void SimulatedFiles::on_sync(std::function<void()> observer) {
  std::unique_lock guard(mutex_);
  observer_ = std::move(observer);
  observed_.wait(guard, [this] { return observing_ == 0; });
}

void SimulatedFiles::set_capacity(std::uint64_t octets) {
  const std::lock_guard guard(mutex_);
  capacity_ = octets;
}

void SimulatedFiles::fail_from(std::int64_t n, int code) {
  const std::lock_guard guard(mutex_);
  fail_after_ = n;
  fail_code_ = code;
}

std::uint64_t SimulatedFiles::operations() const {
  const std::lock_guard guard(mutex_);
  return operations_;
}

void SimulatedFiles::edit(const std::filesystem::path& path, const std::function<void(std::string&)>& change) {
  const std::lock_guard guard(mutex_);
  Inode& inode = *names_.at(path.string());
  change(inode.now);
  inode.synced = inode.now;
}

Result<void, FileError> SimulatedFiles::count_operation() {
  ++operations_;
  if (fail_after_ < 0) return {};
  if (fail_after_ > 0) {
    --fail_after_;
    return {};
  }
  return fail(FileError{fail_code_});
}

void SimulatedFiles::tell_observer() {
  std::function<void()> observer;
  {
    const std::lock_guard guard(mutex_);
    if (!observer_) return;
    observer = observer_;
    ++observing_;
  }
  observer();
  const std::lock_guard guard(mutex_);
  if (--observing_ == 0) observed_.notify_all();
}

std::uint64_t SimulatedFiles::used() const {
  std::uint64_t octets = 0;
  for (const auto& [path, inode] : names_) octets += inode->now.size();
  return octets;
}

// ---------------------------------------------------------------- names

void SimulatedFiles::set_name(const std::string& path, InodePtr inode) {
  unsynced_names_.push_back({path, inode});
  if (inode) {
    names_[path] = std::move(inode);
  } else {
    names_.erase(path);
  }
}

Result<std::unique_ptr<File>, FileError> SimulatedFiles::open(const std::filesystem::path& path, OpenMode mode) {
  const std::lock_guard guard(mutex_);
  auto found = names_.find(path.string());
  if (found == names_.end()) {
    if (mode != OpenMode::create && mode != OpenMode::append) return fail(FileError{ENOENT});
    set_name(path.string(), std::make_shared<Inode>());
    found = names_.find(path.string());
  }
  return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, found->second));
}

Result<void, FileError> SimulatedFiles::remove(const std::filesystem::path& path) {
  const std::lock_guard guard(mutex_);
  if (!names_.contains(path.string())) return fail(FileError{ENOENT});
  set_name(path.string(), nullptr);
  return {};
}

// Folders are taken to be there: making them is durable before anything in them counts (open.cpp syncs them).
Result<void, FileError> SimulatedFiles::make_folder(const std::filesystem::path&) {
  return {};
}

Result<void, FileError> SimulatedFiles::sync_folder(const std::filesystem::path& path) {
  tell_observer();
  {
    const std::lock_guard guard(mutex_);
    if (auto failed = count_operation(); !failed) return failed;
    const auto is_in_folder = [&](const NameChange& c) { return std::filesystem::path(c.path).parent_path() == path; };
    for (const NameChange& change : unsynced_names_) {
      if (!is_in_folder(change)) continue;
      if (change.inode) {
        synced_names_[change.path] = change.inode;
      } else {
        synced_names_.erase(change.path);
      }
    }
    std::erase_if(unsynced_names_, is_in_folder);
  }
  tell_observer();
  return {};
}

Result<void, FileError> SimulatedFiles::link(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::lock_guard guard(mutex_);
  const auto found = names_.find(from.string());
  if (found == names_.end()) return fail(FileError{ENOENT});
  if (names_.contains(to.string())) return fail(FileError{EEXIST});
  set_name(to.string(), found->second);
  return {};
}

std::vector<std::string> SimulatedFiles::list(const std::filesystem::path& folder) {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> found;
  for (const auto& [path, inode] : names_) {
    const std::filesystem::path whole(path);
    if (whole.parent_path() == folder) found.push_back(whole.filename().string());
  }
  return found;
}

bool SimulatedFiles::exists(const std::filesystem::path& path) {
  const std::lock_guard guard(mutex_);
  return names_.contains(path.string());
}

Result<std::uint64_t, FileError> SimulatedFiles::free_octets(const std::filesystem::path&) {
  const std::lock_guard guard(mutex_);
  const std::uint64_t octets = used();
  return capacity_ > octets ? capacity_ - octets : 0;
}

Result<std::unique_ptr<FileLayer::Lock>, std::string> SimulatedFiles::lock(const std::filesystem::path& path) {
  const std::lock_guard guard(mutex_);
  if (!locks_.insert(path.string()).second) return fail(std::string("another posthorn process holds it"));
  return std::unique_ptr<Lock>(std::make_unique<HeldLock>(*this, path.string()));
}

}  // namespace posthorn::disk::testing
