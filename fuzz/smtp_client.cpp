// The client machine against any peer: it ends, gives one outcome a transaction, and sends no message to a peer
// that took no recipient.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "standards/smtp/client.h"

namespace {

using namespace posthorn::smtp;
using namespace posthorn::smtp::client;

void must(bool holds) {
  if (!holds) std::abort();
}

Envelope envelope() {
  Envelope e;
  e.recipients.push_back({posthorn::address::ForwardPath::parse("c@d.example").value(), {}});
  e.recipients.push_back({posthorn::address::ForwardPath::postmaster(), {}});
  return e;
}

struct Pump {
  explicit Pump(Settings settings) : session(std::move(settings)) {}

  // False when the session is closed.
  bool run() {
    for (;;) {
      const Event event = session.next();
      (void)session.take_output();
      if (std::holds_alternative<NeedInput>(event)) return true;
      if (std::holds_alternative<Close>(event)) return false;
      if (std::holds_alternative<Ready>(event)) {
        must(sent == done);
        if (++sent > 3) {
          session.quit();
          return true;
        }
        session.send(envelope());
      } else if (std::holds_alternative<NeedBody>(event)) {
        session.body("x\r\n.\r\n", true);
      } else if (std::holds_alternative<StartTls>(event)) {
        session.on_tls_established({});
      } else if (const auto* outcome = std::get_if<Done>(&event)) {
        must(++done == sent);
        must(outcome->outcome.recipients.size() == 2);
      }
    }
  }
  Session session;
  int sent = 0;
  int done = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Settings settings;
  settings.host_name = "c.example";
  settings.chunking = (data[0] & 1) != 0;
  settings.nonce = "0123456789abcdef01";
  if ((data[0] & 2) != 0) settings.credentials = posthorn::sasl::Credentials{"ann", "", "secret"};
  if ((data[0] & 4) != 0) settings.tls = TlsUse::implicit;
  const std::size_t segment = (data[0] & 8) != 0 ? 1 : size;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  Pump pump(std::move(settings));
  bool open = pump.run();
  for (std::size_t at = 0; open && at < octets.size(); at += segment) {
    pump.session.receive(octets.substr(at, segment));
    open = pump.run();
  }
  pump.session.on_disconnect("gone");
  must(!pump.run());
  return 0;
}
