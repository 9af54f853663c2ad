// The `_mta-sts` TXT record (RFC 8461 3.1), and how senders find it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "standards/dns/policy_txt.h"

namespace posthorn::mta_sts {

inline constexpr std::size_t id_octets_max = 32;  // RFC 8461 3.1: sts-id

struct TxtRecord {
  std::string id;  ///< 1 to 32 letters and digits; compared octet by octet
  friend bool operator==(const TxtRecord&, const TxtRecord&) = default;
};

/// RFC 8461 3.1: a record that does not begin with "v=STSv1;" is none of ours and is passed over.
[[nodiscard]] bool is_sts_record(std::string_view text);
/// sts-text-record; the error says what is wrong, in words.
[[nodiscard]] Result<TxtRecord, std::string> parse_record(std::string_view text);
/// "v=STSv1; id=…;"
[[nodiscard]] std::string record_text(const TxtRecord& record);

/// RFC 8461 3.1: none, several or a faulty record mean: no policy is to be looked for. A kept one stays in force.
using dns::RecordState;

struct RecordLookup {
  RecordState state = RecordState::absent;
  TxtRecord record;                ///< where found
  std::vector<std::string> texts;  ///< those that begin with "v=STSv1;"
  std::string reason;              ///< one sentence where it is not found
  std::vector<dns::Answer> answers;
};
/// TXT at `_mta-sts.DOMAIN`; an alias (CNAME) is followed. Never asks at a parent of the domain.
[[nodiscard]] Task<RecordLookup> find_record(dns::Resolver& resolver, dns::Name domain);

/// `valid`: a sender would use it. Findings: sts-txt-syntax, quotes-typographic, separator-comma, tag-duplicate,
/// tag-unknown.
struct RecordReview {
  bool valid = false;
  TxtRecord record;
  Findings findings;
};
[[nodiscard]] RecordReview review_record(std::string_view text);
/// What a lookup shows: sts-missing, sts-txt-multiple, and the review of the one record.
[[nodiscard]] Findings findings_of(const RecordLookup& lookup, const dns::Name& domain);

}  // namespace posthorn::mta_sts
