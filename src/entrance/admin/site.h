// Site: what the handlers of administrative verbs work with. The server hands over what it runs with; the command
// line makes a smaller one over a store that no server holds. All pointers outlive the handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/mailbox/mailboxes.h"
#include "flow/queue/queue.h"
#include "flow/submission/submission.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "operations/certificates/certificates.h"
#include "operations/certificates/file_keys.h"
#include "operations/transition/key_states.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/random.h"
#include "platform/runtime/worker_pool.h"
#include "platform/storage/store.h"
#include "site/config/config.h"
#include "site/directory/directory.h"
#include "site/keyring/keyring.h"

namespace posthorn::admin {

struct Site {
  config::Config config;  ///< as it was when the handler began
  storage::Store* store = nullptr;
  directory::Directory* directory = nullptr;
  keyring::Keyring* keyring = nullptr;
  transition::KeyWitness* key_witness = nullptr;  ///< the server's; null: none, handlers make their own
  runtime::Clock* clock = nullptr;
  runtime::IdSource* ids = nullptr;
  runtime::WorkerPool* workers = nullptr;
  mailbox::Folders* folders = nullptr;
  mailbox::Mailboxes* mailboxes = nullptr;
  queue::Queue* queue = nullptr;                       ///< null: no server runs
  certificates::Certificates* certificates = nullptr;  ///< null: no server runs, or no authority is named
  certificates::FileKeys* file_keys = nullptr;         ///< null: no server runs, or no files are named
  submission::Submission* submission = nullptr;        ///< `message send`
  /// SIGHUP by socket; null: no server runs. The keys whose change waits for the next start; Problems as the
  /// configuration gives them.
  std::function<Result<std::vector<std::string>, config::Problems>()> reload;
};

}  // namespace posthorn::admin
