#include "standards/imap/search_key.h"

#include <algorithm>

namespace posthorn::imap {

bool SearchKey::has(Kind wanted) const {
  return kind == wanted || std::ranges::any_of(children, [&](const SearchKey& child) { return child.has(wanted); });
}

}  // namespace posthorn::imap
