// The DNS: over libunbound, validating DNSSEC ourselves; or, where nobody asks for validation, by a client of our own
// that takes a server's word (docs/decisions/0061-two-ways-to-the-dns.md). A cache of whole answers stands in front of
// either. Implements dns::Resolver (standards/dns/resolver.h).
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
#include <vector>

#include "foundation/base/result.h"
#include "platform/net/endpoint.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/executor.h"
#include "standards/dns/resolver.h"

namespace posthorn::resolver {

/// `--dns` and `dns.source`: "system", "unvalidated", "recursive", "ADDRESS[:PORT]", "authoritative", "zone:FILE".
///
/// "system", "recursive" and ADDRESS validate against the root's trust anchors. What cannot be validated is not, and
/// nothing of it is `secure` (unvalidated_because() says why): a server that leaves signatures out of its answers, or
/// one that does not know the root (a private or authoritative one).
struct SystemServers {
  bool validates = true;  ///< the servers of resolv.conf, validating ourselves; "unvalidated": their word is taken
};
struct Recursive {};  ///< from the roots
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
  /// False: nothing is `secure`, and a server named by ADDRESS is asked by the client alone. For what does not ask
  /// whether an answer was validated (SPF, DKIM, DMARC, iprev).
  bool validates = true;
  /// Loops that ask without a hop to `executor`'s. They outlive the resolver.
  std::vector<runtime::Executor> loops;
};

/// Reads the zone file where the source is one. Answers arrive on `executor`, whose loop must run; the resolver must
/// be destroyed while that loop does not run, or on it.
[[nodiscard]] Result<std::unique_ptr<dns::Resolver>, Problem> make_resolver(const Options& options,
                                                                            runtime::Clock& clock,
                                                                            runtime::Executor executor);

/// Why a resolver of make_resolver() that should validate does not ("192.0.2.53 leaves DNSSEC signatures out of its
/// answers"); empty where it does, or where it has not been asked yet. Thread-safe.
[[nodiscard]] std::string unvalidated_because(const dns::Resolver& resolver);

}  // namespace posthorn::resolver
