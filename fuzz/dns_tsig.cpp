// RFC 8945: answers to our updates, as any server may send them. What we sign ourselves verifies.
#include <cstdlib>

#include "standards/dns/update.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn;
  static const dns::TsigKey key{*dns::Name::parse("update.key"), OctetString(32, 'k')};
  const TimePoint now = from_unix_seconds(1'800'000'000);
  const Octets octets{reinterpret_cast<const char*>(data), size};
  (void)dns::verify_tsig(octets, key, now);
  // A message that can be read, signed, is accepted whatever is in it.
  const auto message = dns::read_message(octets);
  if (!message || octets.substr(10, 2) == "\xff\xff") return 0;
  const OctetString clean = dns::write_message(*message);
  if (!message->edns && !dns::verify_tsig(dns::sign_tsig(clean, key, now).octets, key, now)) std::abort();
  return 0;
}
