#include "platform/storage/repair.h"

#include "platform/disk/layout.h"
#include "platform/storage/open.h"

namespace posthorn::storage {

Result<std::vector<disk::RepairedPage>, Problem> repair_folder(const StoreOptions& options) {
  auto lock = lock_folder(options);
  if (!lock) return fail(lock.error());
  const auto file = files_of(options).open(disk::Layout{options.dir}.database(), disk::OpenMode::read_write);
  auto repaired = file ? disk::repair_pages(**file) : fail(file.error());
  if (repaired) return std::move(*repaired);
  return fail(Problem{ProblemKind::unavailable, "cannot repair the store " + options.dir.string(),
                      std::strerror(repaired.error().code), "look at the folder's owner and mode, and at the disk"});
}

}  // namespace posthorn::storage
