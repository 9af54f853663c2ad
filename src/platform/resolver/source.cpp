#include "foundation/base/ip_address.h"
#include "platform/resolver/plain_client.h"
#include "platform/resolver/resolver.h"

namespace posthorn::resolver {
namespace {

constexpr std::string_view kZonePrefix = "zone:";
constexpr std::string_view kAuthoritative = "authoritative";

/// "192.0.2.53", "2001:db8::53", "192.0.2.53:5353", "[2001:db8::53]:5353".
std::optional<net::Endpoint> parse_server(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return net::Endpoint{*address, dns_port};
  const auto endpoint = net::Endpoint::parse(text);
  if (!endpoint || text.front() == ':' || endpoint->port == 0) return std::nullopt;
  return endpoint;
}

}  // namespace

Result<Source, Problem> parse_source(std::string_view text) {
  if (text == "system") return SystemServers{};
  if (text == "unvalidated") return SystemServers{.validates = false};
  if (text == "recursive") return Recursive{};
  if (text.starts_with(kZonePrefix) && text.size() > kZonePrefix.size())
    return ZoneFile{std::filesystem::path(text.substr(kZonePrefix.size()))};
  if (text == kAuthoritative) return Authoritative{};
  if (text.starts_with(kAuthoritative) && text.substr(kAuthoritative.size()).starts_with('@')) {
    if (const auto start = parse_server(text.substr(kAuthoritative.size() + 1))) return Authoritative{start};
  }
  if (const auto server = parse_server(text)) return *server;
  return fail(Problem{ProblemKind::usage, "cannot ask the DNS from '" + std::string(text) + "'", "it is no source",
                      "give system, unvalidated, recursive, authoritative, ADDRESS[:PORT] or zone:FILE"});
}

}  // namespace posthorn::resolver
