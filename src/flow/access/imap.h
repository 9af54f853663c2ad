// ImapDoor: mail programs that read over IMAP4rev2 (RFC 9051) and IMAP4rev1 (RFC 3501). The protocol is
// standards/imap's, the mailboxes are flow/mailbox's; here a session's commands are carried out.
#pragma once

#include <atomic>
#include <memory>

#include "flow/access/imap_orders.h"
#include "flow/access/session.h"
#include "flow/access/settings.h"
#include "flow/mailbox/mailboxes.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"
#include "platform/runtime/worker_pool.h"
#include "platform/storage/store.h"
#include "site/directory/directory.h"
#include "site/directory/scram_logins.h"
#include "standards/imap/server.h"

namespace posthorn::access {

/// What the sessions work with; all outlive them.
struct ImapSurroundings {
  storage::Store* store = nullptr;
  directory::Directory* directory = nullptr;
  directory::Authenticator* authenticator = nullptr;
  mailbox::Mailboxes* mailboxes = nullptr;
  runtime::WorkerPool* workers = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::IdSource* ids = nullptr;
  runtime::Metrics* metrics = nullptr;
  /// For searches on several readers at once; nullptr: one after another.
  runtime::TaskGroup* tasks = nullptr;
  Orders* orders = nullptr;  ///< the door's own
};

/// Settings as the machine wants them besides ours.
struct ImapSettings {
  Settings common;
  imap::server::Settings machine;      ///< for a listener that begins in clear
  imap::server::Settings machine_tls;  ///< for one with implicit TLS
  /// The same where nobody could log in with SCRAM.
  imap::server::Settings machine_passwords;
  imap::server::Settings machine_tls_passwords;

  [[nodiscard]] const imap::server::Settings& machine_for(bool implicit_tls, bool scram) const {
    if (scram) return implicit_tls ? machine_tls : machine;
    return implicit_tls ? machine_tls_passwords : machine_passwords;
  }
};

class ImapDoor final : public Door {
 public:
  ImapDoor(ImapSurroundings surroundings, Settings settings);

  [[nodiscard]] std::unique_ptr<Session> make(Connection connection) override;
  [[nodiscard]] Octets refusal(Full full) const override;

  /// For new sessions.
  void reconfigure(Settings settings);

 private:
  Orders orders_;
  ImapSurroundings surroundings_;
  directory::ScramLogins scram_logins_;
  std::atomic<std::shared_ptr<const ImapSettings>> settings_;
};

}  // namespace posthorn::access
