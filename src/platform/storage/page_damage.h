// Where in the database its damaged pages stand, and which rows are on them.
#pragma once

#include <string>
#include <vector>

#include "platform/disk/btree_page.h"
#include "platform/disk/page_sums.h"
#include "platform/storage/database.h"

namespace posthorn::storage {

struct PageDamage {
  std::string what;                  ///< one line for a person: page, table, octet where it is known
  std::string table;                 ///< "": no table's, so no row is touched
  std::vector<disk::PageCell> rows;  ///< that may be other than they were: one where the octet that changed is known
};

/// What a connection noted, in the order of the pages. Reads the database; throws DatabaseError.
[[nodiscard]] std::vector<PageDamage> place_damage(const Database& database, const disk::PageNotes& notes);

}  // namespace posthorn::storage
