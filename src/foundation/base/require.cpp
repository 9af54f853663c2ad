#include "foundation/base/require.h"

#include <cstdio>
#include <cstdlib>

namespace posthorn {

void require(bool holds, std::string_view who, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "posthorn: %.*s: %.*s\n", static_cast<int>(who.size()), who.data(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace posthorn
