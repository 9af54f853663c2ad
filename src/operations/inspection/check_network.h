// The CheckSource over the network: each name server of the zone by itself, and the cache that --dns names beside them.
//
// "system" and "recursive" find the servers from the roots; ADDRESS[:PORT] is a cache (or a test bed's parent) that is
// asked for them, and at whose port they are asked; "authoritative" asks no cache at all.
#pragma once

#include <memory>

#include "foundation/base/result.h"
#include "operations/inspection/check_source.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/clock.h"

namespace posthorn::inspection {

struct NetworkSourceOptions {
  resolver::Source source;
  resolver::ClientOptions client;
  std::string trust_anchor{};  ///< beside IANA's: resolver::Options
  bool transfer = false;       ///< ask one server for the whole zone (AXFR): what it holds beside what is asked for
};

/// A zone file is no network: make_zone_source(). The source is destroyed on the executor.
[[nodiscard]] Result<std::unique_ptr<CheckSource>, Problem> make_network_source(const NetworkSourceOptions& options,
                                                                                runtime::Clock& clock,
                                                                                runtime::Executor executor);

}  // namespace posthorn::inspection
