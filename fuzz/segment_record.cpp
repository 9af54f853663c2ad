// Segment record headers: what is read is written and read back the same, within its bound.
#include "platform/disk/segment_record.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::disk;
  const posthorn::Octets octets{reinterpret_cast<const char*>(data), size};
  const auto parsed = parse_record_header(octets);
  if (!parsed) return 0;
  if (parsed->octets > octets.size() || octets[parsed->octets - 1] != '\n') std::abort();
  const std::string written = format_record_header(parsed->header);
  if (written.size() > record_header_octets_max) std::abort();
  const auto again = parse_record_header(written);
  if (!again || again->octets != written.size()) std::abort();
  const RecordHeader& a = parsed->header;
  const RecordHeader& b = again->header;
  if (a.id != b.id || a.length != b.length || a.crc != b.crc) std::abort();
  return 0;
}
