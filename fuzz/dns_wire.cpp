// RFC 1035 4 messages: whatever is read is written and read back; a query is answered within its limits.
#include <cstdlib>

#include "standards/dns/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::dns;
  static const Zone zone =
      Zone::parse("a. A 192.0.2.1\n*.b. TXT \"x\"\nc. CNAME a.\n;; bogus d.\n;; secure a.\n").value();
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  if (answer_query(zone, octets, Transport::udp).size() > edns_udp_octets) std::abort();
  const auto message = read_message(octets);
  if (!message) return 0;
  const auto written = write_message(*message);
  const auto again = read_message(written);
  if (!again || (!again->truncated && again->answers != message->answers)) std::abort();
  return 0;
}
