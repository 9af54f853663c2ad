// What a domain's plan must know of this server, from its configuration: one gathering for the verbs, quickstart and
// the server's own checks.
#pragma once

#include "operations/domains/surroundings.h"
#include "platform/storage/rows.h"
#include "site/config/config.h"

namespace posthorn::admin {

/// Without the domain's keys, which are the keyring's to tell. Reads the certificates' files.
[[nodiscard]] domains::Surroundings surroundings_of(const config::Config& config);

/// The keys of this host's certificates from an authority (rows of kind "tls"): the present one, the next, and those
/// that caches may still know.
void put_tls_keys(domains::Surroundings& around, const std::vector<storage::KeyRow>& rows);

}  // namespace posthorn::admin
