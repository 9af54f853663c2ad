// DirectFile: a file of the machine whose writes pass by the page cache (O_DIRECT): for segments, which are written
// once, synced at once, and mostly read much later.
//
// Through the cache every octet of a group is copied into pages that had to be found for it first, and so are the
// zeros that are written ahead of it. Here one buffer serves all of them. Disks take whole blocks: the block in which
// a write ends is filled up with zeros, so whatever stood behind a write's end in that block is lost, and the file may
// be longer than what was written. That is what an append-only file with prepared space can bear (prepared_space.h).
#pragma once

#include <cstdlib>
#include <memory>

#include "platform/disk/file_layer.h"

namespace posthorn::disk {

class DirectFile final : public File {
 public:
  /// `cached`: the same file as everybody else has it, for reading, truncating and syncing; `direct_fd`: opened with
  /// O_DIRECT, closed here.
  DirectFile(std::unique_ptr<File> cached, int direct_fd);
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;
  ~DirectFile() override;

  Result<std::size_t, FileError> read_at(std::uint64_t offset, std::span<char> into) override;
  Result<void, FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) override;
  Result<void, FileError> truncate(std::uint64_t size) override;
  Result<void, FileError> sync() override { return cached_->sync(); }
  Result<std::uint64_t, FileError> size() override { return cached_->size(); }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  [[nodiscard]] Result<void, FileError> begin(std::uint64_t offset);
  [[nodiscard]] Result<void, FileError> add(Octets octets);
  [[nodiscard]] Result<void, FileError> finish();
  [[nodiscard]] Result<void, FileError> put(std::size_t octets);

  std::unique_ptr<File> cached_;
  int direct_fd_;
  std::unique_ptr<char, Free> buffer_;
  // The buffer's place in the file (a multiple of the block) and how much of it is filled. Between two writes it
  // holds the last block, if that is not full: the next write begins in it.
  std::uint64_t at_ = 0;
  std::size_t filled_ = 0;
  bool holds_tail_ = false;
};

}  // namespace posthorn::disk
