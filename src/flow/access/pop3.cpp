#include "flow/access/pop3.h"

#include "flow/access/pop3_session.h"

namespace posthorn::access {
namespace {

// RFC 3206 4: temporary, and not the credentials.
constexpr Octets kTooManyPop3 = "-ERR [SYS/TEMP] Too many connections here now; try again in a few minutes\r\n";
constexpr Octets kTooManyPop3OfYours =
    "-ERR [SYS/TEMP] Too many connections from your address; close some and try again\r\n";

pop3::server::Settings pop3_settings(const Settings& common, bool implicit_tls, bool scram) {
  using sasl::Mechanism;
  pop3::server::Settings settings;
  settings.host_name = common.host_name;
  settings.stls = common.tls != nullptr && !implicit_tls;
  if (scram) settings.mechanisms = {Mechanism::scram_sha_256_plus, Mechanism::scram_sha_256};
  settings.mechanisms.insert(settings.mechanisms.end(), {Mechanism::plain, Mechanism::login});
  settings.unknown_login_secret = common.unknown_login_secret;
  return settings;
}

std::shared_ptr<const Pop3Settings> pop3_settings(Settings common) {
  auto settings = std::make_shared<Pop3Settings>();
  settings->machine = pop3_settings(common, false, true);
  settings->machine_tls = pop3_settings(common, true, true);
  settings->machine_passwords = pop3_settings(common, false, false);
  settings->machine_tls_passwords = pop3_settings(common, true, false);
  settings->common = std::move(common);
  return settings;
}

}  // namespace

Pop3Door::Pop3Door(Pop3Surroundings surroundings, Settings settings)
    : surroundings_(surroundings),
      facts_(*surroundings.store),
      scram_logins_(*surroundings.directory, directory::Scope::pop3),
      settings_(pop3_settings(std::move(settings))) {}

std::unique_ptr<Session> Pop3Door::make(Connection connection) {
  return std::make_unique<Pop3Session>(surroundings_, locks_, facts_, settings_.load(), scram_logins_.any(),
                                       std::move(connection));
}

Octets Pop3Door::refusal(Full full) const {
  return full == Full::total ? kTooManyPop3 : kTooManyPop3OfYours;
}

void Pop3Door::reconfigure(Settings settings) {
  settings_.store(pop3_settings(std::move(settings)));
}

}  // namespace posthorn::access
