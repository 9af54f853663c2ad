// What a configuration names on this machine, looked at without starting anything: certificates and keys, trust
// anchors, the store's folder, the sealing key. `config check` says what `serve` would stumble over.
#pragma once

#include <string>
#include <vector>

#include "site/config/config.h"

namespace posthorn::server {

struct NamedFiles {
  std::vector<Problem> problems;   ///< `serve` would not start
  std::vector<std::string> notes;  ///< it would, with something to know
};

/// Reads files; changes nothing.
[[nodiscard]] NamedFiles check_named_files(const config::Config& config);

}  // namespace posthorn::server
