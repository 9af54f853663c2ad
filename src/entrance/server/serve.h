// serve: `posthorn serve`: one site in this process until SIGTERM.
#pragma once

#include <filesystem>

#include "site/config/config.h"

namespace posthorn::server {

/// Prints "ready" on standard output when every listener accepts. SIGTERM and SIGINT end it in order, SIGHUP reads the
/// configuration again. Returns when it is over; problems of the start otherwise.
[[nodiscard]] Result<void, config::Problems> serve(const std::filesystem::path& config_file);

}  // namespace posthorn::server
