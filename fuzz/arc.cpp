// RFC 8617: the ARC fields of any header section are sorted into whole sets or refused.
#include <cstdlib>

#include "standards/arc/chain.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn;
  const auto header = message::Header::parse({reinterpret_cast<const char*>(data), size});
  const arc::Chain chain = arc::read_chain(header);
  if (chain.newest > arc::sets_max) std::abort();
  if (!chain.fault.empty() && !chain.sets.empty()) std::abort();
  if (chain.fault.empty() && chain.sets.size() != chain.newest) std::abort();
  for (const arc::Set& set : chain.sets) {
    const auto own = arc::own_field(set.seal_field, set.seal.b_begin, set.seal.b_end);
    if (own.b_end > own.raw.size() || own.b_begin > own.b_end) std::abort();
  }
  return 0;
}
