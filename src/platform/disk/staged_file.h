// StagedFile: a message over the segment bound, in a file of its own that is already synced, its name included. A
// committed PutContent takes it over; otherwise the file goes with the last reference to this.
#pragma once

#include <cstdint>
#include <filesystem>

#include "platform/disk/file_layer.h"

namespace posthorn::disk {

class StagedFile {
 public:
  StagedFile(FileLayer& files, std::filesystem::path path, std::uint64_t octets, std::uint32_t crc)
      : files_(files), path_(std::move(path)), octets_(octets), crc_(crc) {}
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  ~StagedFile() {
    // A file that stays behind is named by no row and swept at the next start.
    if (!taken_) static_cast<void>(files_.remove(path_));
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return octets_; }
  [[nodiscard]] std::uint32_t crc() const { return crc_; }
  /// Once everything is written and synced.
  void describe(std::uint64_t octets, std::uint32_t crc) {
    octets_ = octets;
    crc_ = crc;
  }
  /// The unit that names it is committed.
  void take_over() { taken_ = true; }

 private:
  FileLayer& files_;
  std::filesystem::path path_;
  std::uint64_t octets_;
  std::uint32_t crc_;
  bool taken_ = false;
};

}  // namespace posthorn::disk
