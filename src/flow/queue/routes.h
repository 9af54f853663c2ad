// Routes and next hops. A next hop is where a recipient's mail goes next, written as a key that stands in
// RecipientRow::domain: the recipient's domain in lower-case A-label form ("beta.example": by MX), an address
// literal ("[192.0.2.1]"), or "route:NAME" for a static route of the configuration.
//
// Static routes come first (DESIGN: routing); of those that match, one by sender before one by stream before one by
// domain, the exact domain before ".example" before "*". Immutable; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "site/config/config.h"

namespace posthorn::queue {

class Routes {
 public:
  Routes() = default;
  explicit Routes(std::vector<config::Route> routes) : routes_(std::move(routes)) {}

  /// The key of the next hop. `recipient` is an address as RCPT gave it, without brackets; what has no domain gets an
  /// empty key (delivery never queues such a one).
  [[nodiscard]] std::string next_hop(std::string_view recipient, std::string_view sender,
                                     std::string_view stream) const;
  /// The route of a key; nullptr where it is not a route or is not configured any more.
  [[nodiscard]] const config::Route* find(std::string_view key) const;
  [[nodiscard]] static bool is_route_key(std::string_view key);

 private:
  std::vector<config::Route> routes_;
};

/// "beta.example" of "Bob@Beta.Example"; "[192.0.2.1]" of a literal; A-labels of an internationalised domain.
[[nodiscard]] std::string domain_key(std::string_view recipient);

}  // namespace posthorn::queue
