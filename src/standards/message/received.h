// Received lines read (RFC 5321 4.4), tolerantly: what `message trace` tells of the hops before us, and the count
// that finds loops (RFC 5321 6.3). Everything in them but our own lines is only what others claim.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/time.h"
#include "standards/message/header.h"

namespace posthorn::message {

/// Each clause as text, comments taken off; empty where absent.
struct Received {
  std::string from;          ///< what the client called itself
  std::string from_comment;  ///< TCP-info and whatever stands in the comment after it
  std::string from_address;  ///< the IP address in it, without brackets and "IPv6:"
  std::string by;
  std::string via;
  std::string with;
  std::string id;
  std::string for_;  ///< without brackets
  std::optional<TimePoint> at;
};
/// Never fails: what cannot be understood stays empty.
[[nodiscard]] Received parse_received(Octets value);

struct Hop {
  Received received;
  /// Since the hop before (negative where clocks disagree); absent for the first, or without dates.
  std::optional<Duration> delay;
};
inline constexpr std::size_t hops_max = 200;  // twice what the loop count lets through
/// The hops of a message, oldest first.
[[nodiscard]] std::vector<Hop> hops(const Header& header);
/// Number of Received fields (RFC 5321 6.3 counts them to find loops).
[[nodiscard]] std::size_t received_count(const Header& header);

}  // namespace posthorn::message
