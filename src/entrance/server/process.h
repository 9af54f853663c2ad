// Process: what all sites in one process share: loops, clock, randomness, workers. One for `serve`, one for the demo's
// two sites.
#pragma once

#include <memory>
#include <vector>

#include "platform/net/connect.h"
#include "platform/net/loop.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/random.h"
#include "platform/runtime/worker_pool.h"

namespace posthorn::server {

class Process {
 public:
  /// `loops` 0: one per core.
  explicit Process(std::size_t loops = 0);

  [[nodiscard]] runtime::Loops& loops() { return loops_; }
  [[nodiscard]] std::vector<net::Loop*> net_loops();
  [[nodiscard]] runtime::Clock& clock() { return clock_; }
  [[nodiscard]] runtime::Random& random() { return random_; }
  [[nodiscard]] runtime::IdSource& ids() { return ids_; }
  [[nodiscard]] runtime::WorkerPool& workers() { return workers_; }
  [[nodiscard]] net::Dialer& dialer() { return dialer_; }

 private:
  runtime::SystemClock clock_;
  runtime::SystemRandom random_;
  runtime::IdSource ids_;
  runtime::WorkerPool workers_;
  runtime::Loops loops_;
  std::vector<std::unique_ptr<net::Loop>> net_loops_;
  net::TcpDialer dialer_;
};

}  // namespace posthorn::server
