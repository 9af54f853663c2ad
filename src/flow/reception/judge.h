// What verdicts on a message's origin do to its arrival: the Authentication-Results field, the story, the folder of
// each copy, what is refused. Pure. Internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flow/delivery/arrival.h"
#include "flow/verification/decision.h"
#include "site/directory/snapshot.h"

namespace posthorn::reception {

/// RFC 8601 5: fields from outside that claim to be ours go, whether or not we verify.
void remove_forged_results(delivery::Arrival& arrival, std::string_view authserv_id);

/// Decides and writes everything down in `arrival`; Decision::refusal is for the caller to give.
[[nodiscard]] verification::Decision apply_verdicts(delivery::Arrival& arrival, const verification::Verdicts& verdicts,
                                                    const config::Verification& site,
                                                    const directory::Snapshot& directory,
                                                    const std::string& authserv_id);

/// Of the recipients, each once.
[[nodiscard]] std::vector<std::string> recipient_domains(const delivery::Arrival& arrival);

}  // namespace posthorn::reception
