#include "striking_files.h"

#include <csignal>

namespace posthorn::storage::testing {

class StrikingFiles::Counted final : public disk::File {
 public:
  Counted(StrikingFiles& layer, std::unique_ptr<disk::File> file) : layer_(layer), file_(std::move(file)) {}

  Result<std::size_t, disk::FileError> read_at(std::uint64_t offset, std::span<char> into) override {
    return file_->read_at(offset, into);
  }
  Result<void, disk::FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) override {
    const What what = layer_.count(false);
    if (what == What::error) return fail(disk::FileError{layer_.strike_.code});
    if (what == What::kill) {
      // Half of the first part reaches the file.
      const Octets half = parts.empty() ? Octets{} : parts.front().substr(0, parts.front().size() / 2);
      static_cast<void>(file_->write_at(offset, std::span(&half, 1)));
      ::raise(SIGKILL);
    }
    return file_->write_at(offset, parts);
  }
  Result<void, disk::FileError> truncate(std::uint64_t size) override {
    if (auto struck = layer_.whole(true); !struck) return struck;
    return file_->truncate(size);
  }
  Result<void, disk::FileError> sync() override {
    if (auto struck = layer_.whole(true); !struck) return struck;
    return file_->sync();
  }
  Result<std::uint64_t, disk::FileError> size() override { return file_->size(); }

 private:
  StrikingFiles& layer_;
  std::unique_ptr<disk::File> file_;
};

StrikingFiles::What StrikingFiles::count(bool is_sync) {
  if (is_sync && !strike_.syncs) return What::nothing;
  const std::int64_t n = counted_.fetch_add(1);
  if (strike_.at < 0 || n < strike_.at || n >= strike_.at + strike_.many) return What::nothing;
  return strike_.code == 0 ? What::kill : What::error;
}

Result<void, disk::FileError> StrikingFiles::whole(bool is_sync) {
  const What what = count(is_sync);
  if (what == What::kill) ::raise(SIGKILL);
  if (what == What::error) return fail(disk::FileError{strike_.code});
  return {};
}

Result<std::unique_ptr<disk::File>, disk::FileError> StrikingFiles::open(const std::filesystem::path& path,
                                                                         disk::OpenMode mode) {
  auto opened = machine_.open(path, mode);
  if (!opened) return fail(opened.error());
  return std::unique_ptr<disk::File>(std::make_unique<Counted>(*this, std::move(*opened)));
}

Result<void, disk::FileError> StrikingFiles::remove(const std::filesystem::path& path) {
  if (auto struck = whole(true); !struck) return struck;
  return machine_.remove(path);
}

Result<void, disk::FileError> StrikingFiles::sync_folder(const std::filesystem::path& path) {
  if (auto struck = whole(true); !struck) return struck;
  return machine_.sync_folder(path);
}

}  // namespace posthorn::storage::testing
