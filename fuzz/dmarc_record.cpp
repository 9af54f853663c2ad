// RFC 9989: any text is read and reviewed; what is accepted is written as a record that says the same.
#include <cstdlib>

#include "standards/dmarc/record.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::dmarc;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)review_record(text);
  const auto record = parse_record(text);
  if (!record || record->unusable || record->acts_as_none) return 0;
  const auto again = parse_record(record_text(*record));
  if (!again || again->p != record->p || again->sp != record->sp || again->np != record->np) std::abort();
  if (again->psd != record->psd || again->testing != record->testing || again->rua != record->rua) std::abort();
  return 0;
}
