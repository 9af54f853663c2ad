// Service: the listeners of one door (imap, imaps, pop3, pop3s), one on every loop, and their sessions.
//
// Threads: made and stopped by the composition root; sessions stay on their loops. Lifetime: stop() and the end of the
// task group before destruction.
#pragma once

#include <memory>
#include <vector>

#include "flow/access/session.h"
#include "platform/net/endpoint.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"
#include "site/directory/directory.h"

namespace posthorn::access {

/// What a service works with; all outlive it.
struct ServiceSurroundings {
  std::vector<net::Loop*> loops;
  runtime::TaskGroup* tasks = nullptr;
  runtime::IdSource* ids = nullptr;
  net::ConnectionLimits* limits = nullptr;
  Door* door = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger log;
  const char* name = "imap";  ///< a literal: "imap", "imaps", "pop3", "pop3s"
  bool implicit_tls = false;
};

class Service {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Service>, Problem> open(ServiceSurroundings surroundings,
                                                                      const std::vector<net::Endpoint>& at);
  virtual ~Service() = default;

  /// Where it listens, with the ports the kernel chose.
  [[nodiscard]] virtual std::vector<net::Endpoint> local() const = 0;
  /// Begins to accept.
  virtual void start() = 0;
  /// Accepts no more and asks every session to end in order; they are in the task group.
  virtual void stop() = 0;
  /// Ends the sessions that logged in with what is revoked.
  virtual void end_revoked(const directory::Revocation& revocation) = 0;
};

/// Whether this login is one that the revocation ends.
[[nodiscard]] bool is_revoked(const directory::Identity& identity, const directory::Revocation& revocation);

}  // namespace posthorn::access
