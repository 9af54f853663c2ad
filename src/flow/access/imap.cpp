#include "flow/access/imap.h"

#include "flow/access/imap_session.h"

namespace posthorn::access {
namespace {

// RFC 9051 7.1.5: a greeting that refuses.
constexpr Octets kTooMany = "* BYE [UNAVAILABLE] Too many connections here now; try again in a few minutes\r\n";
constexpr Octets kTooManyOfYours = "* BYE [LIMIT] Too many connections from your address; close some and try again\r\n";

imap::server::Settings machine_settings(const Settings& common, bool implicit_tls, bool scram) {
  using sasl::Mechanism;
  imap::server::Settings settings;
  settings.host_name = common.host_name;
  settings.limits.append_octets_max = common.append_octets_max;
  settings.starttls = common.tls != nullptr && !implicit_tls;
  if (scram) settings.mechanisms = {Mechanism::scram_sha_256_plus, Mechanism::scram_sha_256};
  settings.mechanisms.insert(settings.mechanisms.end(), {Mechanism::plain, Mechanism::login});
  settings.unknown_login_secret = common.unknown_login_secret;
  return settings;
}

std::shared_ptr<const ImapSettings> imap_settings(Settings common) {
  auto settings = std::make_shared<ImapSettings>();
  settings->machine = machine_settings(common, false, true);
  settings->machine_tls = machine_settings(common, true, true);
  settings->machine_passwords = machine_settings(common, false, false);
  settings->machine_tls_passwords = machine_settings(common, true, false);
  settings->common = std::move(common);
  return settings;
}

}  // namespace

ImapDoor::ImapDoor(ImapSurroundings surroundings, Settings settings)
    : surroundings_(surroundings),
      scram_logins_(*surroundings.directory, directory::Scope::imap),
      settings_(imap_settings(std::move(settings))) {
  surroundings_.orders = &orders_;
}

std::unique_ptr<Session> ImapDoor::make(Connection connection) {
  return std::make_unique<ImapSession>(surroundings_, settings_.load(), scram_logins_.any(), std::move(connection));
}

Octets ImapDoor::refusal(Full full) const {
  return full == Full::total ? kTooMany : kTooManyOfYours;
}

void ImapDoor::reconfigure(Settings settings) {
  settings_.store(imap_settings(std::move(settings)));
}

}  // namespace posthorn::access
