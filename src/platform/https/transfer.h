// One request through libcurl, blocking: runs on the client's threads. Private to https.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "platform/https/client.h"

namespace posthorn::https {

struct Transfer {
  Request request;
  std::vector<IpAddress> addresses;  ///< of the host, all of which may be connected to
  ClientOptions options;
  std::shared_ptr<const std::atomic<bool>> ending;  ///< set: give up
};

/// Once a process, and a look at the CA file: a Problem where it holds no certificate.
[[nodiscard]] Result<void, Problem> prepare_transfers(const ClientOptions& options);
[[nodiscard]] Result<Response, Failure> run(const Transfer& transfer);

}  // namespace posthorn::https
