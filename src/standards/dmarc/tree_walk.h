// The DNS tree walk (RFC 9989 4.10): which records stand at a name and above it, and from them the organizational
// domain. No public suffix list is consulted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/task.h"
#include "standards/dmarc/record.h"
#include "standards/dns/name.h"
#include "standards/dns/resolver.h"

namespace posthorn::dmarc {

inline constexpr unsigned walk_queries_max = 8;  // RFC 9989 4.10: a longer name jumps to its last seven labels

struct WalkStep {
  dns::Name domain;  ///< where; the question is _dmarc under it
  dns::Status status = dns::Status::no_data;
  std::optional<Record> record;  ///< the one valid record
  std::string text;              ///< that record as published
  std::string note;              ///< "two records: none is used", "psd=n: the walk ends"
  std::string answer;            ///< what the DNS said, for the story
};

struct Walk {
  dns::Name start;
  std::vector<WalkStep> steps;  ///< in the order of the queries: longest name first
  dns::Name organizational_domain;
  /// A query had no definite answer; the organizational domain is then a guess and must decide nothing.
  bool temporary_failure = false;
  std::string failure;  ///< which query, and why

  [[nodiscard]] const WalkStep* step_at(const dns::Name& domain) const;
  /// The step of the public suffix (psd=y), where the walk met one above its start.
  [[nodiscard]] const WalkStep* public_suffix() const;
};

[[nodiscard]] Task<Walk> tree_walk(dns::Resolver& resolver, dns::Name domain);

/// The names a walk from `domain` may ask, longest first: itself, then from at most seven labels down to one.
[[nodiscard]] std::vector<dns::Name> walk_names(const dns::Name& domain);
/// RFC 9989 4.10.2 over the steps of a finished walk.
[[nodiscard]] dns::Name organizational_domain(const dns::Name& start, const std::vector<WalkStep>& steps);

}  // namespace posthorn::dmarc
