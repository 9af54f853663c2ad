// Received lines: any value is read; whatever stands in ours, the clauses after it read back as they were.
#include "standards/message/received.h"

#include <cstdlib>

#include "standards/message/write.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::message;
  const std::string octets{reinterpret_cast<const char*>(data), size};
  (void)parse_received(octets);
  ReceivedTrace trace;
  trace.helo = trace.client_name = octets;
  trace.client = posthorn::IpAddress::parse("192.0.2.1");
  trace.by = "mx.example";
  trace.tls = trace.by_comment = octets;
  trace.id = "id1";
  trace.for_ = octets;
  const Header header = Header::parse(write_received(trace) + write_return_path(octets) + write_delivered_to(octets));
  if (header.fields().size() != 3) std::abort();
  const Received again = parse_received(header.fields()[0].value);
  if (again.by != "mx.example" || again.id != "id1" || again.at != trace.at) std::abort();
  return 0;
}
