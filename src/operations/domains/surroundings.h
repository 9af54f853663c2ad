// Surroundings: what a plan must know beyond the model: this host, its keys and certificates, the services it runs, the
// organization's defaults. Gathered by the entrances from configuration, keyring and certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/ip_address.h"
#include "foundation/base/time.h"

namespace posthorn::domains {

/// A DKIM key of ours whose record must stand in the DNS (site/keyring).
struct OwnKey {
  std::string selector;
  std::string record;    ///< "v=DKIM1; k=rsa; p=…"
  bool signing = false;  ///< messages are signed with it now
  bool revoked = false;  ///< `record` has an empty p=
  /// Its next step ("begins to sign"), and when that can be at the earliest; nullopt: it waits for more than time.
  std::string next = {};
  std::optional<TimePoint> next_at = {};
};

/// A service that runs, for SRV records (RFC 6186, RFC 8314).
struct Service {
  std::string label;  ///< "_submissions._tcp"
  std::uint16_t port = 0;
  bool offered = true;  ///< false: the record says that it is not (target ".")
};

struct Surroundings {
  std::string host_name;             ///< this server's
  std::vector<IpAddress> addresses;  ///< at which the world reaches it and from which it sends; may be empty
  std::vector<OwnKey> keys;          ///< the domain's
  std::vector<Service> services;
  /// TLSA data for this host's certificates, present and next ("3 1 1 …"); published only where the zone is signed.
  std::vector<std::string> tlsa;
  std::string tlsa_next;                    ///< of those, that of the next key: published before a change of keys
  std::vector<std::string> dmarc_reports;   ///< config domains.dmarc_reports
  std::vector<std::string> tls_reports;     ///< config domains.tls_reports
  std::uint64_t queue_age_seconds_max = 0;  ///< relay.give_up: how long mail for the domain may still be under way
};

}  // namespace posthorn::domains
