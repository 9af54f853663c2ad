// What stands on one page of an SQLite database, read from its octets alone: for saying which rows a damaged page has.
// https://www.sqlite.org/fileformat2.html sections 1.6 and 2.1. The octets may be anything; nothing outside them is
// looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::disk {

/// One row (or an index's entry) on a page.
struct PageCell {
  std::size_t begin = 0;  ///< octets of the page, the part on overflow pages not counted
  std::size_t end = 0;
  std::size_t pointer = 0;                                       ///< the two octets that say where it begins
  std::optional<std::int64_t> rowid;                             ///< of a table that has row ids
  std::vector<std::variant<std::int64_t, std::string>> columns;  ///< the first ones: integers and text, others empty
  std::uint32_t overflow = 0;                                    ///< the page where the row goes on; 0: it ends here
};

/// The cells of a b-tree's page that hold rows, in their order; those that cannot be read are left out. Empty for a
/// page that holds none: an overflow page, a page of divisions, rubbish. `number`: the first page begins with the
/// file's header. `usable`: octets of a page that SQLite uses.
[[nodiscard]] std::vector<PageCell> page_cells(Octets page, std::uint32_t number, std::size_t usable);

}  // namespace posthorn::disk
