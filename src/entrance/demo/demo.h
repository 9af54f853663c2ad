// The demo: the product in miniature. Two complete sites, alpha.example and beta.example, on loopback, as any user,
// offline: each with its own store, accounts, certificates and the DNS zone that the plan computes for it. A message
// goes from ann@alpha.example to bob@beta.example over the real road, and its story is told as it happens.
#pragma once

#include <filesystem>

#include "foundation/base/result.h"

namespace posthorn::demo {

struct DemoOptions {
  bool once = false;          ///< end when the message has arrived
  bool forge = false;         ///< then a forger tries to write to Bob in Ann's name
  bool json = false;          ///< one JSON document on standard output instead of the story (with `once`)
  std::filesystem::path dir;  ///< where the sites live; empty: a temporary folder that is removed at the end
};

/// Returns when it is over (once), or at SIGINT or SIGTERM.
[[nodiscard]] Result<void, Problem> run(const DemoOptions& options);

}  // namespace posthorn::demo
