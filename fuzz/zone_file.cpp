// RFC 1035 5 master files: whatever is accepted is written and read back as the same records.
#include <cstdlib>

#include "standards/dns/zone.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::dns;
  const auto zone = Zone::parse({reinterpret_cast<const char*>(data), size});
  if (!zone) return 0;
  std::string again;
  for (const Record& record : zone->records()) {
    again += text(record) + "\n";
    (void)zone->lookup(record.owner, RecordType::a);
  }
  const auto second = Zone::parse(again);
  if (!second || second->records() != zone->records()) std::abort();
  return 0;
}
