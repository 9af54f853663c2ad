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

/// `--dns` and `dns.source`: "system", "recursive", "ADDRESS[:PORT]", "zone:FILE".
struct SystemServers {};  ///< the servers of resolv.conf, validating ourselves
struct Recursive {};      ///< from the roots
struct ZoneFile {
  std::filesystem::path path;
};
using Source = std::variant<SystemServers, Recursive, net::Endpoint, ZoneFile>;
/// A Problem of kind usage for anything else ("authoritative" included: it asks no resolver).
[[nodiscard]] Result<Source, Problem> parse_source(std::string_view text);

struct Options {
  Source source;
  /// RFC 9520 and our patience: an unanswered question is `timeout` after this.
  Duration question_time_max = std::chrono::seconds{20};
  std::size_t cached_answers_max = 20'000;
  /// DS or DNSKEY records in zone-file form to trust beside the root's (tests, private zones). May be empty.
  std::string trust_anchors;
  /// Root hints of one's own (tests); empty: those built in.
  std::filesystem::path root_hints;
};

/// Reads the zone file where the source is one. The resolver must be destroyed while `executor`'s loop does not run,
/// or on it.
[[nodiscard]] Result<std::unique_ptr<dns::Resolver>, Problem> make_resolver(const Options& options,
                                                                            runtime::Clock& clock,
                                                                            runtime::Executor executor);

}  // namespace posthorn::resolver
