// The DNS over libunbound: validating DNSSEC ourselves, one cache shared by all loops, plus a small cache of whole
// answers in front of it. Implements dns::Resolver (standards/dns/resolver.h).
//
// A service may be asked from every loop: resolve() resumes on the caller's executor. It outlives whoever awaits it.
// libunbound runs threads of its own; its descriptor is read on the loop given to make().
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "foundation/base/result.h"
#include "platform/net/endpoint.h"
#include "platform/runtime/clock.h"
#include "standards/dns/resolver.h"

namespace posthorn::resolver {

/// `--dns` and `dns.source`: "system", "recursive", "ADDRESS[:PORT]", "authoritative", "zone:FILE".
///
/// All but the zone file validate against the root's trust anchors. A server given by ADDRESS that does not know the
/// root (a private or authoritative one) is used without validation: nothing it says is `secure`.
struct SystemServers {};  ///< the servers of resolv.conf, validating ourselves
struct Recursive {};      ///< from the roots
struct ZoneFile {
  std::filesystem::path path;
};
/// Each zone's own servers, found from the roots down: no cache in between, nothing validated. With a start
/// ("authoritative@ADDRESS[:PORT]") that server takes the roots' place, and every server is asked at its port.
struct Authoritative {
  std::optional<net::Endpoint> start;
};
using Source = std::variant<SystemServers, Recursive, net::Endpoint, ZoneFile, Authoritative>;
/// A Problem of kind usage for anything else.
[[nodiscard]] Result<Source, Problem> parse_source(std::string_view text);

struct Options {
  Source source;
  /// RFC 9520 and our patience: an unanswered question is `timeout` after this.
  Duration question_time_max = std::chrono::seconds{20};
  std::size_t cached_answers_max = 20'000;
  /// A DS or DNSKEY record in zone-file form to trust beside the root's; a server given by ADDRESS is then always
  /// validated. May be empty.
  std::string trust_anchor;
};

/// Reads the zone file where the source is one. Answers arrive on `executor`, whose loop must run; the resolver must
/// be destroyed while that loop does not run, or on it.
[[nodiscard]] Result<std::unique_ptr<dns::Resolver>, Problem> make_resolver(const Options& options,
                                                                            runtime::Clock& clock,
                                                                            runtime::Executor executor);

}  // namespace posthorn::resolver
