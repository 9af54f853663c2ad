#include "platform/storage/fatal.h"

#include <cstdio>
#include <cstdlib>

#include "platform/storage/store.h"

namespace posthorn::storage {

void end_process(const StoreOptions& options, std::string_view doing, std::string_view why) {
  options.log.error("store failed", {{"doing", doing}, {"why", why}});
  const std::string text =
      fmt::format("posthorn: {} the store {}: {}; the process ends and a restart recovers what was acknowledged\n",
                  doing, options.dir.string(), why);
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace posthorn::storage
