// Key witnesses: who is asked whether a DKIM record is published. Of the DNS at large every authoritative server of the
// zone, since a verifier may ask any of them; of a zone file, the file.
#pragma once

#include <memory>
#include <string_view>

#include "operations/transition/key_states.h"
#include "platform/net/loop.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/random.h"

namespace posthorn::transition {

/// For a source as `--dns` and dns.source name it. Works on this loop; all arguments outlive the witness.
[[nodiscard]] Result<std::unique_ptr<KeyWitness>, Problem> make_key_witness(std::string_view source, net::Loop& loop,
                                                                            runtime::Clock& clock,
                                                                            runtime::Random& random);

/// One server's words about one record.
struct ServerSighting {
  dns::Name host;
  KeySighting sighting;
};
/// What all of them together mean: every host must answer rightly at one of its addresses, and none wrongly.
[[nodiscard]] KeySighting sum_up(const std::vector<ServerSighting>& seen);

}  // namespace posthorn::transition
