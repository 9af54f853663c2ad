// A page of the database as it might be found: its cells stand within it, and what the checksum says of a single octet
// that changed mends the sum.
#include "platform/disk/btree_page.h"

#include <algorithm>
#include <cstdlib>

#include "platform/disk/changed_octet.h"
#include "platform/disk/page_sums.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::disk;
  posthorn::OctetString page(page_octets, '\0');
  std::copy_n(data, std::min(size, page.size()), page.begin());
  const std::uint32_t number = size % 2 == 0 ? 1 : 2;
  for (const PageCell& cell : page_cells(page, number, page_usable_octets)) {
    if (cell.begin > cell.end || cell.end > page_usable_octets || cell.pointer + 2 > page_usable_octets) std::abort();
  }
  if (const auto changed = changed_octet(number, page)) {
    page[changed->at] = changed->was;
    if (page_sum(number, page) != stored_page_sum(page)) std::abort();
  }
  return 0;
}
