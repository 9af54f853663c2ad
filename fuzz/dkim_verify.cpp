// RFC 6376: a whole message of any octets, against a zone with one good key; the result does not depend on how the
// message was cut into pieces.
#include <cstdlib>

#include "standards/arc/arc.h"
#include "standards/dkim/verify.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace {

using namespace posthorn;

dns::ZoneFileResolver& resolver() {
  static dns::ZoneFileResolver zone{
      dns::Zone::parse("*._domainkey.a.example. TXT \"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n")
          .value()};
  return zone;
}

dkim::MessageScan scan_in_pieces(Octets message, std::size_t piece) {
  dkim::MessageScan scan;
  for (std::size_t at = 0; at < message.size(); at += piece) scan.feed(message.substr(at, piece));
  scan.finish();
  return scan;
}

Task<std::string> verdict_of(const dkim::MessageScan& scan) {
  const auto now = from_unix_seconds(1'800'000'000);
  std::string told;
  const auto results = co_await dkim::verify(scan, resolver(), now);
  for (const auto& result : results) told += fmt::format("{} {};", text(result.result), text(result.body_hash));
  const arc::Outcome chain = co_await arc::verify(scan, resolver(), now);
  co_return told + fmt::format("{} {}", text(chain.result), chain.reason);
}

std::string verdict(Octets message, std::size_t piece) {
  const dkim::MessageScan scan = scan_in_pieces(message, piece);
  return test_support::run_task(verdict_of(scan));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Octets message{reinterpret_cast<const char*>(data), size};
  if (verdict(message, size + 1) != verdict(message, 7)) std::abort();
  return 0;
}
