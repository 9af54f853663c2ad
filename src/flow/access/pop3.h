// Pop3Door: mail programs that fetch over POP3 (RFC 1939). The protocol is standards/pop3's, the maildrop is the
// account's INBOX in flow/mailbox: exclusively one session's, as it was at the login, changed at QUIT only.
#pragma once

#include <atomic>
#include <memory>

#include "flow/access/maildrop_facts.h"
#include "flow/access/maildrop_locks.h"
#include "flow/access/session.h"
#include "flow/access/settings.h"
#include "flow/mailbox/mailboxes.h"
#include "site/directory/directory.h"
#include "site/directory/scram_logins.h"
#include "standards/pop3/server.h"

namespace posthorn::access {

/// What the sessions work with; all outlive them.
struct Pop3Surroundings {
  directory::Directory* directory = nullptr;
  directory::Authenticator* authenticator = nullptr;
  mailbox::Mailboxes* mailboxes = nullptr;
  storage::Store* store = nullptr;
};

struct Pop3Settings {
  Settings common;
  pop3::server::Settings machine;      ///< for a listener that begins in clear
  pop3::server::Settings machine_tls;  ///< for one with implicit TLS
  /// The same where nobody could log in with SCRAM.
  pop3::server::Settings machine_passwords;
  pop3::server::Settings machine_tls_passwords;

  [[nodiscard]] const pop3::server::Settings& machine_for(bool implicit_tls, bool scram) const {
    if (scram) return implicit_tls ? machine_tls : machine;
    return implicit_tls ? machine_tls_passwords : machine_passwords;
  }
};

class Pop3Door final : public Door {
 public:
  Pop3Door(Pop3Surroundings surroundings, Settings settings);

  [[nodiscard]] std::unique_ptr<Session> make(Connection connection) override;
  [[nodiscard]] Octets refusal(Full full) const override;

  /// For new sessions.
  void reconfigure(Settings settings);

 private:
  Pop3Surroundings surroundings_;
  MaildropLocks locks_;
  MaildropFacts facts_;
  directory::ScramLogins scram_logins_;
  std::atomic<std::shared_ptr<const Pop3Settings>> settings_;
};

}  // namespace posthorn::access
