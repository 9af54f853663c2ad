// DMARC evaluation (RFC 9989 4, 5.3): is the domain a reader sees the one that SPF or DKIM vouch for, and if not,
// what does its owner ask for? What is done with the message is not decided here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "standards/dkim/verify.h"
#include "standards/dmarc/record.h"
#include "standards/dmarc/tree_walk.h"
#include "standards/dns/resolver.h"
#include "standards/message/header.h"
#include "standards/spf/check_host.h"

namespace posthorn::dmarc {

/// How many domains one message can make us walk: RFC 9989 does not say; SPF's and those of the signatures judged.
inline constexpr std::size_t signature_domains_max = dkim::signatures_max;

enum class Result : unsigned char { none, pass, fail, temperror, permerror };
[[nodiscard]] std::string_view text(Result result);

/// RFC 9989 4.4, 5.3.1: the one domain of the From field. An error is a sentence: no From, several, no domain.
[[nodiscard]] posthorn::Result<dns::Name, std::string> author_domain(const message::Header& header);

/// One identifier that passed its own check, and whether it is aligned.
struct AlignmentStep {
  std::string mechanism;              ///< "spf" or "dkim"
  std::string domain;                 ///< MAIL FROM domain or d=
  std::string organizational_domain;  ///< by its own walk; empty where none was needed
  bool aligned = false;
  std::string reason;  ///< "equal", "same organizational domain example.com", "strict alignment wants …"
};

struct Outcome {
  Result result = Result::none;
  std::string rfc5322_from_domain;
  std::string organizational_domain;
  std::string policy_domain;          ///< where the record stands; empty where there is none
  std::string record;                 ///< as published
  std::optional<Policy> policy;       ///< what the record asks for this name; absent without a record
  std::string policy_tag;             ///< which tag said so: "p", "sp" or "np"
  Policy disposition = Policy::none;  ///< what it comes to for this message: none on pass; after t=y on fail
  bool policy_test_mode = false;      ///< t=y stepped the policy down
  bool spf_aligned = false;           ///< an aligned SPF pass
  bool dkim_aligned = false;          ///< an aligned DKIM pass
  bool ambiguous_author = false;      ///< several From fields, or several domains in it: readers may see any of them
  std::string reason;
  std::vector<WalkStep> walk;  ///< of the author domain
  std::vector<AlignmentStep> alignment;
  std::optional<Record> parsed;
};

/// Evidence is what the other rooms found; `mail_from` is the MAIL FROM identity, which for the null sender is
/// postmaster@HELO (RFC 7208 2.4).
[[nodiscard]] Task<Outcome> evaluate(dns::Resolver& resolver, const message::Header& header,
                                     const spf::Outcome& mail_from,
                                     const std::vector<dkim::VerifiedSignature>& signatures);

/// `check dmarc`: the policy of a domain without a message.
[[nodiscard]] Task<Outcome> discover_policy(dns::Resolver& resolver, dns::Name author_domain);

}  // namespace posthorn::dmarc
