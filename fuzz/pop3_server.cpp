// The POP3 server machine against any octets: fed whole and octet by octet it says the same, and a message it sends
// ends at its own final dot.
#include <cstdint>
#include <cstdlib>

#include "standards/test_support/pop3_pump.h"

namespace {

using namespace posthorn::pop3::server;

Settings make_settings() {
  Settings settings;
  settings.host_name = "mail.example";
  settings.stls = true;
  settings.mechanisms = {posthorn::sasl::Mechanism::plain, posthorn::sasl::Mechanism::login,
                         posthorn::sasl::Mechanism::scram_sha_256};
  settings.random = [](std::size_t count) { return std::string(count, 'r'); };
  return settings;
}

Pop3Pump begin(const Settings& settings, bool tls) {
  Pop3Pump pump(settings);
  pump.login = "a";
  pump.password = "b";
  pump.messages = {"A: 1\r\n\r\n.x\r\n", "B: 2\r\n\r\n"};
  static_cast<void>(pump.say(""));
  if (tls) pump.session().on_tls_established({});
  return pump;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Settings settings = make_settings();
  if (size == 0) return 0;
  const bool tls = (data[0] & 1) != 0;
  const std::string octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  Pop3Pump whole = begin(settings, tls);
  const std::string said = whole.say(octets);
  // STLS drops what came with it, so only sessions that begin under TLS are the same in pieces.
  if (!tls) return 0;
  Pop3Pump pieces = begin(settings, tls);
  std::string piecewise;
  for (const char octet : octets)
    if (!pieces.closed) piecewise += pieces.say(std::string(1, octet));
  if (said != piecewise || whole.removed != pieces.removed) std::abort();
  return 0;
}
