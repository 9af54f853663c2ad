// What waits for the world to forget a domain (operations/domains/hold.h): refused until then, unless the
// administrator types the domain's name once more.
#pragma once

#include "entrance/admin/handler.h"

namespace posthorn::admin {

/// Whether the domain may be forgotten now. `override`: what was typed.
[[nodiscard]] Task<Done> may_forget_domain(Site& site, std::string domain, std::string override_name);
/// Whether this account may go: always, but for the last one of a domain to which mail still comes.
[[nodiscard]] Task<Done> may_remove_account(Site& site, std::string address, std::string override_name);

}  // namespace posthorn::admin
