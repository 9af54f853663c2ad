#include "flow/queue/routes.h"

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"

namespace posthorn::queue {

namespace {

constexpr std::string_view route_prefix = "route:";

/// How well a route fits; 0: not at all. Higher wins (the order the header names).
int fit(const config::Route& route, std::string_view domain, std::string_view sender, std::string_view stream) {
  if (!route.sender.empty()) {
    if (text::iequals(route.sender, sender)) return 6;
    const std::string_view sender_domain = sender.substr(sender.rfind('@') + 1);
    const std::string_view wanted =
        route.sender.starts_with('@') ? std::string_view(route.sender).substr(1) : std::string_view(route.sender);
    return !sender.empty() && text::iequals(wanted, sender_domain) ? 5 : 0;
  }
  if (!route.stream.empty()) return route.stream == stream ? 4 : 0;
  if (text::iequals(route.domain, domain)) return 3;
  if (route.domain == "*") return 1;
  if (!route.domain.starts_with('.')) return 0;
  const std::string_view parent = std::string_view(route.domain).substr(1);
  const bool below = domain.size() > route.domain.size() &&
                     text::iequals(domain.substr(domain.size() - route.domain.size()), route.domain);
  return below || text::iequals(domain, parent) ? 2 : 0;
}

}  // namespace

std::string domain_key(std::string_view recipient) {
  const auto at = recipient.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view host = recipient.substr(at + 1);
  if (host.starts_with('[')) return text::lower(host);
  const auto domain = address::Domain::parse(host);
  return domain ? domain->a_label() : text::lower(host);
}

std::string Routes::next_hop(std::string_view recipient, std::string_view sender, std::string_view stream) const {
  std::string domain = domain_key(recipient);
  if (domain.empty()) return domain;
  const config::Route* best = nullptr;
  int best_fit = 0;
  for (const config::Route& route : routes_) {
    const int how = fit(route, domain, sender, stream);
    if (how > best_fit) {
      best = &route;
      best_fit = how;
    }
  }
  return best == nullptr ? domain : std::string(route_prefix) + best->name();
}

const config::Route* Routes::find(std::string_view key) const {
  if (!is_route_key(key)) return nullptr;
  const std::string_view name = key.substr(route_prefix.size());
  for (const config::Route& route : routes_)
    if (route.name() == name) return &route;
  return nullptr;
}

bool Routes::is_route_key(std::string_view key) {
  return key.starts_with(route_prefix);
}

}  // namespace posthorn::queue
