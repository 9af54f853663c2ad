// Front: the listeners of one service, one on every loop, and the guests that they let in: limits, counts, an orderly
// end. What a guest says and hears is the host's business.
//
// Threads: made, started and stopped by the composition root; host and guests are called on the guest's loop.
// Lifetime: stop() and the end of the task group before destruction; all that the options name outlives the front.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "foundation/base/task.h"
#include "platform/net/connection_limits.h"
#include "platform/net/endpoint.h"
#include "platform/net/loop.h"
#include "platform/net/stream.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/spawn.h"

namespace posthorn::net {

/// One session.
class Guest {
 public:
  virtual ~Guest() = default;
  /// The whole session. The guest lives until it returns, or is cancelled.
  [[nodiscard]] virtual Task<> run() = 0;
  /// The server ends: so does the session, at the next moment where nothing is open.
  virtual void shut_down() = 0;
};

/// A protocol, as its front sees it.
class Host {
 public:
  virtual ~Host() = default;
  [[nodiscard]] virtual std::unique_ptr<Guest> receive(Loop& loop, std::unique_ptr<Stream> stream,
                                                       ConnectionLimits::Place place) = 0;
  /// What a peer reads that cannot be let in, with its line end; empty: it is just closed.
  [[nodiscard]] virtual Octets refusal(ConnectionLimits::Full full) const = 0;
};

struct FrontOptions {
  std::vector<Loop*> loops;
  runtime::TaskGroup* tasks = nullptr;
  ConnectionLimits* limits = nullptr;
  runtime::Counter* accepted = nullptr;
  runtime::Counter* turned_away = nullptr;
  runtime::Gauge* open = nullptr;
  runtime::Logger log;
  const char* service = "";  ///< a literal, for logs: "imaps"
};

class Front {
 public:
  /// Takes every endpoint on every loop; nothing is accepted before start().
  [[nodiscard]] static Result<std::unique_ptr<Front>, Problem> open(FrontOptions options, Host& host,
                                                                    const std::vector<Endpoint>& at);
  virtual ~Front() = default;

  /// Where it listens, with the ports the kernel chose.
  [[nodiscard]] virtual const std::vector<Endpoint>& local() const = 0;
  virtual void start() = 0;
  /// Accepts no more and asks every guest to leave in order; they are in the task group.
  virtual void stop() = 0;
  /// Does something with every guest, each on its loop, later.
  virtual void each(std::function<void(Guest&)> what) = 0;
};

}  // namespace posthorn::net
