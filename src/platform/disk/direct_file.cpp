#include "platform/disk/direct_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <unistd.h>

namespace posthorn::disk {
namespace {

// No disk of today has larger ones, and memory pages are as large.
constexpr std::size_t block_octets = 4096;
// A write's octets go to the disk in pieces of this size.
constexpr std::size_t buffer_octets = 512 * KiB;

}  // namespace

DirectFile::DirectFile(std::unique_ptr<File> cached, int direct_fd)
    : cached_(std::move(cached)),
      direct_fd_(direct_fd),
      buffer_(static_cast<char*>(std::aligned_alloc(block_octets, buffer_octets))) {
  if (!buffer_) throw std::bad_alloc();
}

DirectFile::~DirectFile() {
  ::close(direct_fd_);
}

Result<std::size_t, FileError> DirectFile::read_at(std::uint64_t offset, std::span<char> into) {
  return cached_->read_at(offset, into);
}

Result<void, FileError> DirectFile::truncate(std::uint64_t size) {
  holds_tail_ = false;
  return cached_->truncate(size);
}

Result<void, FileError> DirectFile::write_at(std::uint64_t offset, std::span<const Octets> parts) {
  auto done = begin(offset);
  for (std::size_t i = 0; done && i < parts.size(); ++i) done = add(parts[i]);
  if (done) done = finish();
  if (!done) holds_tail_ = false;
  // A file system that opens a file so and then does not take its writes.
  if (!done && done.error().code == EINVAL) return cached_->write_at(offset, parts);
  return done;
}

/// Has the octets that stand before `offset` in its block in the buffer.
Result<void, FileError> DirectFile::begin(std::uint64_t offset) {
  if (holds_tail_ && at_ + filled_ == offset) return {};
  at_ = offset - offset % block_octets;
  filled_ = static_cast<std::size_t>(offset - at_);
  holds_tail_ = false;
  if (filled_ == 0) return {};
  const auto got = cached_->read_at(at_, {buffer_.get(), filled_});
  if (!got) return fail(got.error());
  std::memset(buffer_.get() + *got, 0, filled_ - *got);  // the file ended before: a hole reads as zeros
  return {};
}

Result<void, FileError> DirectFile::add(Octets octets) {
  while (!octets.empty()) {
    const std::size_t piece = std::min(octets.size(), buffer_octets - filled_);
    std::memcpy(buffer_.get() + filled_, octets.data(), piece);
    filled_ += piece;
    octets.remove_prefix(piece);
    if (filled_ < buffer_octets) continue;
    if (auto written = put(buffer_octets); !written) return written;
    at_ += buffer_octets;
    filled_ = 0;
  }
  return {};
}

/// Writes what the buffer holds in whole blocks, and keeps the last one.
Result<void, FileError> DirectFile::finish() {
  const std::size_t tail = filled_ % block_octets;
  const std::size_t whole = filled_ - tail;
  if (tail != 0) std::memset(buffer_.get() + filled_, 0, block_octets - tail);
  if (filled_ != 0) {
    if (auto written = put(tail == 0 ? whole : whole + block_octets); !written) return written;
  }
  std::memmove(buffer_.get(), buffer_.get() + whole, tail);
  at_ += whole;
  filled_ = tail;
  holds_tail_ = true;
  return {};
}

Result<void, FileError> DirectFile::put(std::size_t octets) {
  std::size_t done = 0;
  while (done < octets) {
    const ssize_t n = ::pwrite(direct_fd_, buffer_.get() + done, octets - done, static_cast<off_t>(at_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(FileError{errno});
    if (n == 0) return fail(FileError{EIO});
    done += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace posthorn::disk
