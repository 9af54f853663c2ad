// A checksum of every page of posthorn.db, so that an octet that changed on the disk is found wherever it stands.
//
// A page ends with page_sum_octets that SQLite leaves alone (https://www.sqlite.org/fileformat2.html 1.3.4): the
// CRC-32C of the page's number and of what stands before. It is written with each page that goes into the database
// file, and looked at with each that is read from it; pages in the write-ahead log have SQLite's own sums. A page that
// does not have its sum is an error of the statement that needed it (SQLITE_IOERR_DATA): what is wrong is not gone on
// with, and not written anew with a sum that is right.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "foundation/base/bytes.h"
#include "platform/disk/file_layer.h"
#include "platform/disk/overlay_vfs.h"

struct sqlite3;

namespace posthorn::disk {

/// Measured: docs/performance.md. A 4 KB message with its row fills one leaf and one overflow page.
inline constexpr int page_octets = 4096;
inline constexpr int page_sum_octets = 4;
/// What SQLite has of a page.
inline constexpr std::size_t page_usable_octets = page_octets - page_sum_octets;

/// From the first 100 octets of a database file: whether its pages have sums.
[[nodiscard]] bool says_page_sums(Octets beginning);
/// The sum of a page that is wholly there; its own last octets do not count. Pages are numbered from 1.
[[nodiscard]] std::uint32_t page_sum(std::uint32_t number, Octets page);
/// What the page says its sum is.
[[nodiscard]] std::uint32_t stored_page_sum(Octets page);
/// Writes the sum into the page.
void set_page_sum(std::uint32_t number, std::span<char> page);

/// Lies under every connection to a store's database. A database whose first page does not say that room is left for
/// sums is read and written as it is.
class PageSumVfs {
 public:
  /// `below`: the name of the VFS that does the work.
  explicit PageSumVfs(const char* below);

  [[nodiscard]] const char* name() const { return vfs_.name(); }

 private:
  OverlayVfs vfs_;
};

struct DamagedPage {
  std::uint32_t number = 0;
  OctetString octets;  ///< as they were read
};

/// What one connection met that does not have its sum. Used by that connection's thread.
class PageNotes {
 public:
  void read(std::uint32_t number);
  void damaged(std::uint32_t number, Octets page);

  [[nodiscard]] bool was_read(std::uint32_t number) const { return number < read_.size() && read_[number]; }
  /// In the order they were met, each once.
  [[nodiscard]] const std::vector<DamagedPage>& pages() const { return pages_; }
  /// There were more than are kept.
  [[nodiscard]] bool more() const { return more_; }

 private:
  std::vector<bool> read_;  // by number
  std::vector<DamagedPage> pages_;
  bool more_ = false;
};

/// From now on this connection is given damaged pages as they are; `notes` (nullptr: no longer) lives as long as it.
void note_damaged_pages(sqlite3* connection, PageNotes* notes);
/// Reads a page of the database file, past the log, so that it is noted where it is damaged. False: it cannot be read.
bool read_page(sqlite3* connection, std::uint32_t number, std::span<char> into);
/// Leaves room for sums in a database that has no page yet, or that is to be written anew (VACUUM).
void leave_room_for_page_sums(sqlite3* connection);
/// Its pages have sums. Something must have been read of it.
[[nodiscard]] bool has_page_sums(sqlite3* connection);

/// A page of zeros: the file grew past it and it was never written, or it was lost as a whole.
[[nodiscard]] bool is_empty_page(Octets page);

enum class PageChange : std::uint8_t { none, write, stop };
/// Shows each page of a database file that nothing has open to `change`, which may alter it, and writes back those it
/// says. Synced when this returns, but where `change` stopped it.
[[nodiscard]] Result<void, FileError> change_pages(
    File& file, const std::function<PageChange(std::uint32_t number, std::span<char> page)>& change);
/// Gives every page of a database file that has sums the sum of what it holds now, so that what is damaged is taken for
/// right from here on; nothing has it open. Synced when this returns.
[[nodiscard]] Result<void, FileError> renew_page_sums(File& file);
/// Puts damaged pages back into a copy that was made of their database, so that the copy does not take them for right.
[[nodiscard]] Result<void, FileError> keep_damage(File& file, const std::vector<DamagedPage>& pages);

}  // namespace posthorn::disk
