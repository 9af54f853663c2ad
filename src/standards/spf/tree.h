// The tree of an SPF record: every record that include and redirect lead to, whether or not a message would have
// stopped earlier; the terms that ask the DNS counted over all of them, and the lookups that find nothing
// (RFC 7208 4.6.4). check_host answers for one host; this answers for the record.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/task.h"
#include "standards/dns/resolver.h"
#include "standards/spf/record.h"

namespace posthorn::spf {

inline constexpr unsigned tree_records_max = 40;  // ours: a tree of more fails everywhere long before
inline constexpr unsigned tree_depth_max = 12;    // ours: more than 10 terms deep is a permerror anyway

struct TreeNode {
  std::string domain;
  std::string via;  ///< "include:_spf.example", "redirect=…"; "" for the domain itself
  unsigned depth = 0;
  std::string record;    ///< "" where there is none
  std::string problem;   ///< why it cannot be used
  unsigned lookups = 0;  ///< terms that ask the DNS, this record and those below it
};

struct Tree {
  std::vector<TreeNode> nodes;  ///< in the order of evaluation; the domain's own record first
  unsigned lookups = 0, void_lookups = 0;
  bool temporary_failure = false;  ///< a question had no definite answer: the counts are a lower bound
  Findings findings;  ///< spf-missing, -multiple, -syntax, -include-missing, -too-many-lookups, -near-lookup-limit,
                      ///< -void-lookups; and of the domain's own record what review_record() finds
  /// Whether the tree leads through `domain` (an include or redirect target).
  [[nodiscard]] bool includes(std::string_view domain) const;
};

/// Asks for TXT at the domain and below; also A or MX of a, mx and exists terms, to count void lookups. Terms with
/// macros are counted and not asked.
[[nodiscard]] Task<Tree> walk_tree(dns::Resolver& resolver, dns::Name domain);

}  // namespace posthorn::spf
