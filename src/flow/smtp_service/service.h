// SmtpService: the listeners of one door (reception, submission, submissions), one on every loop, and their sessions.
//
// Threads: made and stopped by the composition root; sessions stay on their loops. Lifetime: stop() and the end of the
// task group before destruction.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/smtp_service/handler.h"
#include "flow/smtp_service/pump.h"
#include "platform/net/connection_limits.h"
#include "platform/net/listener.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"

namespace posthorn::smtp_service {

/// What a service works with; all outlive it.
struct Surroundings {
  std::vector<net::Loop*> loops;
  runtime::TaskGroup* tasks = nullptr;
  runtime::IdSource* ids = nullptr;
  net::ConnectionLimits* limits = nullptr;
  HandlerFactory* handlers = nullptr;
  runtime::Metrics* metrics = nullptr;
  runtime::Logger log;
  const char* name = "smtp";  ///< a literal: "smtp", "submission", "submissions"
};

class SmtpService {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SmtpService>, Problem> open(Surroundings surroundings,
                                                                          const std::vector<net::Endpoint>& at,
                                                                          ServiceSettings settings);
  virtual ~SmtpService() = default;

  /// Where it listens, with the ports the kernel chose.
  [[nodiscard]] virtual std::vector<net::Endpoint> local() const = 0;
  /// Begins to accept.
  virtual void start() = 0;
  /// Accepts no more and asks every session to end in order; they are in the task group.
  virtual void stop() = 0;
  /// For new sessions.
  virtual void reconfigure(ServiceSettings settings) = 0;
  /// Ends the sessions whose handler the question says yes to (a revoked login). The question is asked on their loops.
  virtual void end_where(std::function<bool(SessionHandler&)> question) = 0;
};

}  // namespace posthorn::smtp_service
