#include "platform/disk/prepared_space.h"

#include <algorithm>
#include <cerrno>

namespace posthorn::disk {
namespace {

constexpr std::size_t zeros_octets = 256 * KiB;

}  // namespace

bool is_full(FileError error) {
  return error.code == ENOSPC || error.code == EDQUOT;
}

Result<void, FileError> write_zeros(File& file, std::uint64_t offset, std::uint64_t octets) {
  static const OctetString zeros(zeros_octets, '\0');
  std::vector<Octets> parts;
  for (std::uint64_t left = octets; left > 0; left -= parts.back().size()) {
    parts.push_back(Octets(zeros).substr(0, std::min<std::uint64_t>(left, zeros_octets)));
  }
  return file.write_at(offset, parts);
}

Result<void, FileError> PreparedSpace::extend(File& file, std::uint64_t end) {
  Result<void, FileError> written;
  for (std::uint64_t left = step_octets_; written && left > 0;) {
    const std::uint64_t octets = std::min(write_octets_, left);
    written = write_zeros(file, end + step_octets_ - left, octets);
    left -= octets;
  }
  if (written) {
    prepared_ = end + step_octets_;
    return {};
  }
  if (!is_full(written.error())) return written;
  return file.truncate(end);
}

}  // namespace posthorn::disk
