// Which octet of a page changed, from its checksum alone.
//
// A CRC is linear: the difference between the sum a page has and the one it should have depends on what changed and
// where, not on the rest. So a single octet that changed is found by going back through the page from that difference.
#pragma once

#include <cstdint>
#include <optional>

#include "foundation/base/bytes.h"

namespace posthorn::disk {

struct ChangedOctet {
  std::size_t at = 0;  ///< offset in the page
  char was = 0;
};

/// For a page that does not have its sum (page_sums.h): the one octet, in the page or in its sum, whose change explains
/// it. nullopt: more changed than one, or several octets could have been it.
[[nodiscard]] std::optional<ChangedOctet> changed_octet(std::uint32_t number, Octets page);

}  // namespace posthorn::disk
