// LocalSite: the site for administrative verbs while no server runs: the store opened here, under its lock, with what
// the handlers need and no listener, no relay.
#pragma once

#include "entrance/admin/handler.h"
#include "site/config/config.h"

namespace posthorn::cli {

[[nodiscard]] admin::Done run_here(const config::Config& config, const admin::Request& request, admin::Answer& answer);

}  // namespace posthorn::cli
