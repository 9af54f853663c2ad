// Putting back what changed in a database's pages, as far as their checksums say what it was.
#pragma once

#include <vector>

#include "platform/disk/changed_octet.h"
#include "platform/disk/file_layer.h"

namespace posthorn::disk {

struct RepairedPage {
  std::uint32_t number = 0;
  std::size_t at = 0;  ///< the octet's offset in the page
  char was = 0;        ///< what it is again
  char damaged = 0;    ///< what was found
};

/// Where one octet explains why a page does not have its sum, writes what it was; other damaged pages stay as they are.
/// A database without sums is left alone. Nothing has it open; a log beside it keeps its meaning, since the pages are
/// what they were when it was written. Synced when this returns.
[[nodiscard]] Result<std::vector<RepairedPage>, FileError> repair_pages(File& file);

/// One octet of the first page explains why the file does not say that its pages have sums.
[[nodiscard]] Result<bool, FileError> first_page_changed(File& file);

}  // namespace posthorn::disk
